import { expect, test } from '@jest/globals';
import { POOL_MANAGERD_METRICS } from '@corral/contracts';
import type { PoolStatus } from '@corral/contracts';
import { createMetrics } from '@corral/service-kit';
import { setPoolGauges } from './pool-gauges.js';

const pool = (pool_id: string, over: Partial<PoolStatus> = {}): PoolStatus => ({
  pool_id,
  node_id: 'n1',
  device: 'cpu',
  device_kind: 'cpu',
  device_name: null,
  engine: 'llamacpp',
  engine_version: '1',
  live: true,
  ready: true,
  draining: false,
  last_error: null,
  memory_total_bytes: 100,
  memory_used_bytes: 40,
  replicas_max: null,
  slots_total: 4,
  slots_free: 3,
  active_leases: 1,
  replicas: [],
  ...over,
});

test('H-01 gauges show the pools as they are, and end with them', async () => {
  const metrics = createMetrics(POOL_MANAGERD_METRICS);
  const gauges = async () => (await metrics.exposition()).split('\n').filter((line) => /^pool_(ready|slots_free|vram_free_bytes)\{/.test(line));
  const first = setPoolGauges(metrics, [pool('a'), pool('b', { ready: false, memory_used_bytes: 200 })], new Set(), () => 1);
  expect(await gauges()).toEqual(['pool_slots_free{pool_id="a"} 3', 'pool_slots_free{pool_id="b"} 3', 'pool_ready{pool_id="a"} 1', 'pool_ready{pool_id="b"} 0', 'pool_vram_free_bytes{pool_id="a"} 60', 'pool_vram_free_bytes{pool_id="b"} 0']);
  setPoolGauges(metrics, [pool('b')], first, () => 1);
  expect((await gauges()).filter((line) => line.includes('"a"'))).toEqual([]);
});
