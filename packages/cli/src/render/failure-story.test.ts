import { expect, test } from '@jest/globals';
import { aReplica } from '../../test/wire.js';
import { failureStory } from './failure-story.js';

const closed = { state: 'closed', retry_at_ms: null } as const;

test.each([
  ['nothing happened', {}, null],
  ['nothing happened, told in full', { restarts: 0, failures: 0, breaker: closed }, null],
  ['it came back', { restarts: 1, failures: 1, breaker: closed }, 'restarted 1 time'],
  ['it is on trial', { restarts: 6, failures: 5, breaker: { state: 'half_open', retry_at_ms: null } }, 'on trial, restarted 6 times'],
  ['it comes back', { state: 'failed', last_error: 'it died', restarts: 2, failures: 3, breaker: { state: 'closed', retry_at_ms: 14_000 } }, 'it died; restarted 2 times; next try in 4 s'],
  ['it is due', { state: 'failed', last_error: 'it died', breaker: { state: 'closed', retry_at_ms: 9_000 } }, 'it died; next try now'],
  ['it waits for memory', { state: 'failed', last_error: 'no room', breaker: closed }, 'no room'],
] as const)('C-176 what ps says of a replica: %s', (_, changes, story) => {
  expect(failureStory(aReplica(changes), 10_000)).toBe(story);
});
