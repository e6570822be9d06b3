import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Leases } from './leases.js';
import type { Lease } from './leases.js';

describe('Leases', () => {
  test('C-20 T-108 never more than the slots, never below zero, and one replica does not count for another', () => {
    const step = fc.record({ replica: fc.constantFrom('a', 'b'), take: fc.boolean(), pick: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const leases = new Leases(() => {});
        const given: Record<string, Lease[]> = { a: [], b: [] };
        const open: Record<string, Set<Lease>> = { a: new Set(), b: new Set() };
        for (const { replica, take, pick } of steps) {
          const lease = take ? leases.take(replica, 3) : null;
          if (take) expect(lease === null).toBe(open[replica]?.size === 3);
          if (lease !== null) {
            given[replica]?.push(lease);
            open[replica]?.add(lease);
          }
          const old = take ? undefined : given[replica]?.[pick % Math.max(1, given[replica]?.length ?? 1)];
          old?.release();
          if (old !== undefined) open[replica]?.delete(old);
          expect([leases.count('a'), leases.count('b')]).toEqual([open['a']?.size, open['b']?.size]);
        }
      }),
    );
  });

  test('C-20 a replica that nobody knows has no leases', () => {
    expect(new Leases(() => {}).count('x')).toBe(0);
  });

  test('C-44 each release is told once', () => {
    const told: string[] = [];
    const lease = new Leases((replicaId) => told.push(replicaId)).take('a', 1);
    lease?.release();
    lease?.release();
    expect(told).toEqual(['a']);
  });
});
