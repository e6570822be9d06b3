import { expect, test } from '@jest/globals';
import type { ServerFacts } from '@corral/engine';
import { attachedPool, attachedReplica, type ExternalEntry, type ServerState } from './attached-pool.js';

const digest = `sha256:${'ab'.repeat(32)}` as const;
const entry = (over: Partial<ExternalEntry> = {}): ExternalEntry => ({
  id: 'ext', engine: 'llama-server', version: 'b1', buildRef: null, digest: null, buildFlags: [], artifacts: [], createdMs: 0, mode: 'external', location: 'http://10.0.0.5:1', inPlace: false, deviceKinds: ['cuda'], chosenFor: [],
  gain: null, verification: { result: 'pass', reason: 'it answered' }, lastVerifiedMs: 0, state: 'Active', retiredAtMs: null, pinned: false, lastUsedMs: null,
  external: { modelId: 'm', digest, modelPath: '/m.gguf', slots: 2, contextTokens: 512, capabilities: ['completion'] }, ...over,
});
const facts: ServerFacts = { version: 'b2', slots: 4, contextTokens: 1_024, trainContext: 2_048, vocabSize: 9, embeddingLength: 8, weightsBytes: 7, modelName: 'm', modelPath: '/m.gguf', hasChatTemplate: true };
const up: ServerState = { state: 'up', facts };

test('D-82 a server that answers is a pool with one replica, in the slots and the context that it has now', () => {
  expect(attachedPool('n', entry(), up)).toEqual({ poolId: 'n-external-ext', device: 'external', deviceKind: 'cuda', deviceName: 'llama-server b2', deviceMask: '', memoryTotalBytes: 0, replicasMax: 1, threadsPerReplica: 1, problem: null, attached: { engineId: 'ext', version: 'b2', modelId: 'm', digest, contextTokens: 1_024, slots: 4 } });
  expect(attachedReplica('n', entry(), up)).toMatchObject({ poolId: 'n-external-ext', modelId: 'm', digest, engineId: 'ext', contextTokens: 1_024, slots: 4, memoryBytes: 0, isVerified: true });
});

test.each<[string, Partial<ExternalEntry>, ServerState, RegExp]>([
  ['was not asked yet', {}, { state: 'unknown' }, /has not been asked yet/],
  ['is away', {}, { state: 'down', reason: 'nothing listens there' }, /does not answer: nothing listens there; start it again/],
  ['serves another file', {}, { state: 'up', facts: { ...facts, modelPath: '/other.gguf' } }, /serves \/other\.gguf in place of \/m\.gguf; start it with that file/],
  ['failed its probe', { verification: { result: 'fail', reason: 'it streamed nothing' } }, up, /failed its probe: it streamed nothing/],
  ['is retired', { state: 'Retired', retiredAtMs: 1 }, up, /is retired; activate it/],
])('D-83 a server that %s has a pool that says so, without its address, and no replica', (_, over, state, problem) => {
  const pool = attachedPool('n', entry(over), state);
  expect(pool.problem).toMatch(problem);
  expect(pool.problem).not.toContain('10.0.0.5');
  expect(pool.attached).toMatchObject({ modelId: 'm', digest });
  expect(attachedReplica('n', entry(over), state)).toBeNull();
});
