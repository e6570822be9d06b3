import { expect, test } from '@jest/globals';
import type { Assignment, Tier } from '@corral/contracts';
import type { ModelStatus } from './demand.js';
import { preloadsOf, type PreloadSources } from './preloads.js';
import type { Wish } from './residency-input.js';

const MODEL = { model_id: 'm', sources: ['file:/m.gguf'], digest: null, context: 512, slots: 1, pinned: false };
const held = (instanceId: string, tier: Tier = 'hot'): Wish => ({
  source: 'startup',
  demand: { modelKey: `key-${instanceId}`, model: MODEL, instance: { orgId: 'default', instanceId, tier }, priority: 'batch', oldestArrivalSeq: 0, waitingMs: 0, waitingTasks: 0, placement: null },
});
const status = (state: ModelStatus['state']): ModelStatus => ({ state, message: `it is ${state}`, steps: [], estimatedMs: null, sinceMs: 0, retryAfterMs: 0 });
const placed: Readonly<Record<string, { readonly node_id: string; readonly pool_id: string }>> = { a: { node_id: 'n1', pool_id: 'p1' }, b: { node_id: 'n2', pool_id: 'p2' } };

function preloads(wishes: readonly Wish[], over: Partial<PreloadSources> = {}) {
  return preloadsOf('n1', {
    held: wishes,
    assignmentOf: ({ instanceId }) => (placed[instanceId] === undefined ? undefined : ({ target: placed[instanceId] } as Assignment)),
    statusOf: () => status('loading'),
    failureOf: () => undefined,
    ...over,
  });
}

test('C-268 a node is told of hot instances that are to be there or have no place, and of nothing else', () => {
  expect(preloads([held('a'), held('b'), held('c'), held('d', 'cold')])).toEqual([
    { org_id: 'default', instance_id: 'a', pool_id: 'p1', state: 'coming', reason: null },
    { org_id: 'default', instance_id: 'c', pool_id: null, state: 'coming', reason: null },
  ]);
});

test('T-62 C-268 a failure is told while it is tried again, and a wait for room with what is waited for', () => {
  expect(preloads([held('a')], { failureOf: () => 'wrong digest' })).toEqual([{ org_id: 'default', instance_id: 'a', pool_id: 'p1', state: 'failed', reason: 'wrong digest' }]);
  expect(preloads([held('a')], { statusOf: () => status('waiting') })).toEqual([{ org_id: 'default', instance_id: 'a', pool_id: 'p1', state: 'waits', reason: 'it is waiting' }]);
});
