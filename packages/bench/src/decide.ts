import { decide, type PlacementInput, type PoolSnapshot } from '@corral/orchestrator-core';
import { figure, median, percentile, table } from './figures.js';

const ROUNDS = 2_000;
const COMPLETION: ReadonlySet<string> = new Set(['completion']);

/** Pools as a large fleet has them: two devices a node, some busy, some without the model, a few offline. */
function pools(count: number): PoolSnapshot[] {
  return Array.from({ length: count }, (_, n) => ({
    poolId: `n${n >> 1}-cuda-${n & 1}`, nodeId: `n${n >> 1}`, nodeOnline: n % 17 !== 0, live: true, ready: n % 13 !== 0, draining: n % 29 === 0,
    engine: 'llamacpp', engineVersion: '3.22.1', deviceMask: `cuda:${n & 1}`, deviceKind: 'cuda',
    memoryTotalBytes: 24e9, memoryFreeBytes: (n * 7_919_333) % 24e9, ctxMax: 8_192, features: COMPLETION, modelsAvailable: null, snapshotAgeMs: n % 5_000,
    replicas: n % 3 === 0 ? [] : [{ replicaId: `r${n}`, modelKey: n % 2 === 0 ? 'wanted' : 'other', state: 'resident' as const, slotsTotal: 8, slotsFree: n % 8, activeSlots: 8 - (n % 8), ctxMax: 8_192 }],
  }));
}

function input(count: number, phase: PlacementInput['phase']): PlacementInput {
  const job = { priority: 'interactive' as const, engine: 'llamacpp', modelKey: 'wanted', requiredCtx: 2_048, weightsBytes: 4e9, kvBytes: 1e9, extensions: [] };
  return { phase, job, pools: pools(count), maxSnapshotAgeMs: 60_000, pinningAllowed: true };
}

/** One pass over the pools that keeps the one with the most free memory: the least that any placement must do. */
function onePass({ pools: all }: PlacementInput): PoolSnapshot | undefined {
  let best: PoolSnapshot | undefined;
  for (const pool of all) if (pool.ready && (best === undefined || pool.memoryFreeBytes > best.memoryFreeBytes)) best = pool;
  return best;
}

function timed(run: () => unknown): number[] {
  for (let n = 0; n < ROUNDS / 4; n += 1) run();
  return Array.from({ length: ROUNDS }, () => {
    const from = process.hrtime.bigint();
    run();
    return Number(process.hrtime.bigint() - from) / 1e3;
  });
}

const rows = [10, 100, 1_000].flatMap((count) =>
  (['admission', 'dispatch'] as const).map((phase) => {
    const given = input(count, phase);
    const ours = timed(() => decide(given));
    const reference = timed(() => onePass(given));
    return [String(count), phase, figure(median(ours)), figure(percentile(ours, 99)), figure(median(reference)), figure(median(ours) / median(reference))];
  }),
);
table('decide(), microseconds; goal: at 1000 pools at most 1000', ['pools', 'phase', 'p50', 'p99', 'one pass p50', 'ratio'], rows);
