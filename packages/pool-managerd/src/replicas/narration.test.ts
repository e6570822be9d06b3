import { expect, test } from '@jest/globals';
import { aReplica, draining, failedUntil, loading, parkedAt, parking, resident, resuming, stopping, waiting } from '../../test/a-replica.js';
import { narrate } from './narration.js';

const at = (name: string, phase: Parameters<typeof aReplica>[1]) => aReplica(name, phase, { memoryBytes: 98_000_000 });

test.each([
  [null, at('smollm2', waiting), 'an assignment wants it', null],
  [at('smollm2', waiting), at('smollm2', loading), 'its turn', 'smollm2 is being loaded and needs about 93.5 MiB.'],
  [at('smollm2', loading), at('smollm2', { ...resident, sinceMs: 1_240 } as typeof resident), 'the first token came', 'smollm2 is ready after 1.2 s.'],
  [at('smollm2', resident), at('smollm2', draining(9)), 'gemma waits for its memory', 'smollm2 takes no more work: gemma waits for its memory.'],
  [at('smollm2', draining(9)), at('smollm2', resident), 'it is wanted again', 'smollm2 stays after all.'],
  [at('smollm2', resident), at('smollm2', draining(9)), 'smollm2 yields in p1: gemma has waited 2 s', 'smollm2 yields in p1: gemma has waited 2 s.'],
  [at('smollm2', draining(9)), at('smollm2', stopping), 'gemma waits for its memory.', 'smollm2 is being unloaded.'],
  [at('smollm2', resident), at('smollm2', stopping), 'the daemon stops', 'smollm2 is being unloaded: the daemon stops.'],
  [at('smollm2', stopping), null, 'its process has ended', 'smollm2 has left and frees 93.5 MiB.'],
  [at('smollm2', draining(9)), at('smollm2', parking), 'it has drained', 'smollm2 gives up its context and keeps its weights.'],
  [at('smollm2', parking), at('smollm2', parkedAt(0, 52_000_000)), 'its context is gone', 'smollm2 is parked and holds 49.6 MiB.'],
  [at('smollm2', parkedAt(0)), at('smollm2', resuming), 'it is wanted again', 'smollm2 is on its way back.'],
  [at('smollm2', resuming), at('smollm2', { ...resident, sinceMs: 80 } as typeof resident), 'the first token came', 'smollm2 is back after 80 ms.'],
  [at('smollm2', parkedAt(0, 52_000_000)), null, 'its process has ended', 'smollm2 has left and frees 49.6 MiB.'],
  [at('smollm2', loading), at('smollm2', failedUntil(2_000)), 'the load failed', 'smollm2 cannot be loaded; next try in 2 s.'],
  [at('smollm2', waiting), at('smollm2', failedUntil(null)), 'not enough memory', 'smollm2 cannot be loaded until memory is free.'],
] as const)('H-13 the sentence of a change, case %#', (from, to, cause, sentence) => {
  expect(narrate(from, to, cause)).toBe(sentence);
});

test('H-13 a sentence has at most 100 characters, whatever the reason', () => {
  expect(narrate(at('a', resident), at('a', draining(9)), 'because '.repeat(40))?.length).toBe(100);
});
