import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cpuShares } from './cpu-shares.js';

describe('cpuShares', () => {
  test.each([
    { cores: 2, threads: null, replicas: null, share: { replicasMax: 2, threadsPerReplica: 1 } },
    { cores: 1, threads: null, replicas: null, share: { replicasMax: 1, threadsPerReplica: 1 } },
    { cores: 16, threads: null, replicas: null, share: { replicasMax: 2, threadsPerReplica: 7 } },
    { cores: 16, threads: 16, replicas: 1, share: { replicasMax: 1, threadsPerReplica: 16 } },
    { cores: 4, threads: 2, replicas: 4, share: { replicasMax: 4, threadsPerReplica: 1 } },
    { cores: 2, threads: 64, replicas: 64, share: { replicasMax: 2, threadsPerReplica: 1 } },
  ])('C-141 one pool on $cores cores, threads $threads, replicas $replicas', ({ cores, threads, replicas, share }) => {
    expect(cpuShares(1, { cores, threads, replicas })).toEqual([share]);
  });

  test('C-141 a pool beyond the cores gets nothing', () => {
    expect(cpuShares(3, { cores: 2, threads: null, replicas: null })).toEqual([
      { replicasMax: 1, threadsPerReplica: 1 },
      { replicasMax: 1, threadsPerReplica: 1 },
      null,
    ]);
  });

  test('C-141 the threads of all replicas never exceed the cores', () => {
    const amount = fc.option(fc.integer({ min: 1, max: 256 }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 128 }), amount, amount, (pools, cores, threads, replicas) => {
        const shares = cpuShares(pools, { cores, threads, replicas });
        const used = shares.reduce((sum, share) => sum + (share === null ? 0 : share.replicasMax * share.threadsPerReplica), 0);
        expect(used).toBeLessThanOrEqual(cores);
        expect(shares).toHaveLength(pools);
      }),
    );
  });
});
