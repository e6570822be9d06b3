import { describe, expect, test } from '@jest/globals';
import { anInstance } from '../../test/fixtures.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { InstanceState } from './lifecycle.js';
import { leftError, refusalOfInstance } from './not-loaded.js';

const record = (over: Partial<InstanceRecord>): InstanceRecord => ({ ...anInstance({ instanceId: 'bot', kind: 'explicit', tier: 'cold' }), generation: 1, heldTier: null, lastUsedAtMs: null, createdAtMs: 0, updatedAtMs: 0, deletedAtMs: null, ...over });
const state = (over: Partial<InstanceState> = {}): (() => InstanceState) => () => ({ residency: 'on_disk', isReady: false, nodeId: null, poolId: null, lastError: null, progress: null, estimatedMs: null, retryAfterMs: 2_500, ...over });

describe('refusalOfInstance', () => {
  test.each(['hot', 'warm', 'cold'] as const)('C-207 G-03 a %s instance that is not ready is refused at once, with the call that loads it and how long that takes', (tier) => {
    const error = refusalOfInstance(record({ tier }), state());
    expect([error?.code, error?.message, error?.details]).toEqual(['INSTANCE_NOT_LOADED', 'instance default/bot is on_disk, not resident', { hint: 'load it with POST /api/orgs/default/instances/bot/load', retry_after_ms: 2_500 }]);
  });

  test('C-207 one that is on its way says so, and why it failed before', () => {
    const error = refusalOfInstance(record({ heldTier: 'hot' }), state({ residency: 'failed', lastError: 'out of memory' }));
    expect([error?.message, error?.details.hint]).toEqual(['instance default/bot is failed and on its way (out of memory)', 'send the request again after Retry-After']);
  });

  test('C-207 G-03 one that is ready is served; implicit ones and those of tier demand wait for their load', () => {
    const served = [refusalOfInstance(record({}), state({ isReady: true })), refusalOfInstance(record({ tier: 'demand' }), state()), refusalOfInstance(record({ kind: 'implicit', tier: 'hot' }), state()), refusalOfInstance(undefined, state())];
    expect(served).toEqual([null, null, null, null]);
  });

  test('C-207 a suspended one serves nothing, whatever its tier', () => {
    expect(refusalOfInstance(record({ tier: 'demand', status: 'suspended' }), state({ isReady: true }))?.message).toMatch(/bot is suspended/);
  });
});

test('C-203 who waits is told when no load follows by itself', () => {
  const told = [leftError(record({}), 'b was called', false), leftError(record({ tier: 'demand' }), 'b was called', true)].map((error) => error?.message);
  expect(told).toEqual(Array.from({ length: 2 }, () => 'instance default/bot left its place while the task waited: b was called'));
  expect([leftError(record({ tier: 'demand' }), '', false), leftError(record({ kind: 'implicit' }), '', true), leftError(undefined, '', true)]).toEqual([null, null, null]);
});
