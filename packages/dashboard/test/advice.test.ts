import { expect, test } from '@jest/globals';
import type { AdminHealth } from '@corral/contracts';
import { advice } from '../src/pools/advice.js';
import { aPool, aReplica, anInstance } from '@corral/test-kit';

const worker = { node_id: 'n1', online: true, last_heartbeat_ms: 0, consumer_connected: true, last_event_ms: null, queue_lag: 0, last_error: null };
const health = (connected: boolean, workers: AdminHealth['workers'] = [worker]): AdminHealth => ({ status: 'ok', event_bus: { mode: 'rabbitmq', connected, last_publish_ms: null, last_error: null }, workers, instances: [] });
const calm = { pools: [aPool()], instances: [], health: health(true), waitingIn: () => 0 };

test('J-03 J-04 where all is well nothing is advised', () => {
  expect(advice(calm)).toEqual([]);
});

test('J-03 a pool that hot instances fill', () => {
  const hot = anInstance({ tier: 'hot', held_tier: 'hot', residency: 'resident', is_ready: true, pool_id: 'p1' });
  const pools = (memory_used_bytes: number) => [aPool({ memory_used_bytes })];
  expect(advice({ ...calm, pools: pools(9_500), instances: [hot] })).toEqual(['p1 is 95 % full, and 1 hot instance keeps memory there: unload what is idle, or lower HOT_CEILING.']);
  expect(advice({ ...calm, pools: pools(8_999), instances: [hot] })).toEqual([]);
  expect(advice({ ...calm, pools: pools(9_500), instances: [{ ...hot, tier: 'demand', held_tier: 'demand' }] })).toEqual([]);
});

test('J-04 tasks that wait beside loaded models wait for slots', () => {
  const busy = aPool({ slots_free: 0 });
  expect(advice({ ...calm, pools: [busy], waitingIn: () => 2 })).toEqual(['2 tasks wait for p1 while its models are loaded and every slot is taken: more tiers would not help; give the models more slots, or add a pool.']);
  expect(advice({ ...calm, pools: [{ ...busy, replicas: [aReplica({ state: 'loading' })] }], waitingIn: () => 2 })).toEqual([]);
  expect(advice({ ...calm, pools: [aPool()], waitingIn: () => 2 })).toEqual([]);
});

test.each([
  [health(false), true],
  [health(true, [{ ...worker, online: false }]), true],
  [health(true, [{ ...worker, queue_lag: 1 }]), true],
  [health(true), false],
  [null, false],
])('J-04 an instance that is wanted and does not come, with its way to blame (%#)', (seen, isAdvised) => {
  const told = advice({ ...calm, instances: [anInstance({ held_tier: 'cold' })], health: seen });
  expect(told.length === 1 && told[0]?.startsWith('1 instance is wanted and nothing moves') === true).toBe(isAdvised);
  expect(advice({ ...calm, instances: [anInstance({ held_tier: 'cold', last_error: 'no file' }), anInstance({ held_tier: null })], health: seen })).toEqual([]);
});
