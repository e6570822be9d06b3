import { expect, test } from '@jest/globals';
import { mayUse } from './allowed-models.js';

const chat = { orgId: 'acme', id: 'chat', modelId: 'tiny' };

test.each([
  [null, chat, true],
  [[], chat, false],
  [['chat'], chat, true],
  [['tiny'], chat, true],
  [['chat'], { ...chat, id: 'tiny' }, false],
  [['bot'], { ...chat, id: 'acme/bot' }, true],
  [['acme/bot'], { ...chat, id: 'bot' }, true],
  [['other/bot'], { ...chat, id: 'bot' }, false],
  [['ti'], chat, false],
] as const)('B-138 a key with %j for %j: %s', (allowed, named, may) => {
  expect(mayUse(allowed, named)).toBe(may);
});
