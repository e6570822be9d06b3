import { expect, test } from '@jest/globals';
import { aPool, aReplica, anInput, GIB } from '../../test/placement-builders.js';
import { decide } from './decide.js';
import { FILTERS } from './filters.js';
import type { JobSpec, Phase, PoolSnapshot } from './placement-input.js';

interface Given {
  readonly pool?: Partial<PoolSnapshot>;
  readonly job?: Partial<JobSpec>;
  readonly phase?: Phase;
}

/** What becomes of the one pool `p1`: assigned, or the filter that removes it and the reason given. */
function fateOf({ pool = {}, job = {}, phase = 'admission' }: Given): string {
  const decision = decide(anInput([aPool('p1', pool)], job, { phase }));
  if (decision.kind !== 'no_capacity') return decision.kind;
  const [removed, ...more] = decision.log.filtersApplied;
  expect({ removed, more }).toEqual({ removed: { filter: decision.filter, poolIds: ['p1'] }, more: [] });
  return `${decision.filter} ${decision.reason}`;
}

test('A-62 the published table: every rule in order, with its one reason', () => {
  expect(FILTERS.map(({ name, reason, kind }) => `${name} ${reason} ${kind}`)).toEqual([
    'node_pin NODE_UNAVAILABLE override',
    'avoid NO_CAPACITY override',
    'node_offline NODE_UNAVAILABLE health',
    'not_ready POOL_UNREADY health',
    'draining POOL_UNREADY health',
    'stale_snapshot STALE_SNAPSHOTS health',
    'engine MODEL_NOT_AVAILABLE capability',
    'device_mask NO_CAPACITY override',
    'ctx INSUFFICIENT_CTX capability',
    'extensions EXTENSIONS_UNSATISFIED capability',
    'compute_capability MODEL_NOT_AVAILABLE capability',
    'quant MODEL_NOT_AVAILABLE capability',
    'model_unavailable MODEL_NOT_AVAILABLE capability',
    'vram INSUFFICIENT_VRAM capability',
    'not_resident NO_CAPACITY capacity',
    'slots NO_CAPACITY capacity',
  ]);
});

test.each<[title: string, fate: string, given: Given]>([
  ['A-44 a pool of another node', 'node_pin NODE_UNAVAILABLE', { job: { placement: { nodeId: 'node-2' } } }],
  ['A-20 A-42 an avoided pool', 'avoid NO_CAPACITY', { job: { placement: { avoidPools: ['p0', 'p1'] } } }],
  ['A-21 a pool whose node is offline', 'node_offline NODE_UNAVAILABLE', { pool: { nodeOnline: false } }],
  ['A-22 a pool that is not live', 'not_ready POOL_UNREADY', { pool: { live: false } }],
  ['A-22 a pool that is not ready', 'not_ready POOL_UNREADY', { pool: { ready: false } }],
  ['A-22 a pool that drains', 'draining POOL_UNREADY', { pool: { draining: true } }],
  ['A-23 a snapshot past the bound', 'stale_snapshot STALE_SNAPSHOTS', { pool: { snapshotAgeMs: 30_001 } }],
  ['A-23 a snapshot at the bound', 'assigned', { pool: { snapshotAgeMs: 30_000 } }],
  ['A-24 another engine', 'engine MODEL_NOT_AVAILABLE', { pool: { engine: 'vllm' } }],
  ['A-25 another device', 'device_mask NO_CAPACITY', { job: { placement: { requireDeviceMask: '1' } } }],
  [
    'A-25 a required device within a wider mask',
    'device_mask NO_CAPACITY',
    { pool: { deviceMask: '0,1' }, job: { placement: { requireDeviceMask: '1' } } },
  ],
  [
    'A-25 the same mask in another spelling',
    'assigned',
    { pool: { deviceMask: 'cuda:1,cuda:0' }, job: { placement: { requireDeviceMask: '0, 1' } } },
  ],
  ['A-26 a context larger than the pool serves', 'ctx INSUFFICIENT_CTX', { job: { requiredCtx: 8193 } }],
  ['A-26 exactly the context of the pool', 'assigned', { job: { requiredCtx: 8192 } }],
  ['A-26 a declared context larger than the pool serves', 'ctx INSUFFICIENT_CTX', { job: { declaredCtx: 8193 } }],
  [
    'A-26 a context larger than the loaded replica has',
    'ctx INSUFFICIENT_CTX',
    { pool: { replicas: [aReplica('r')] }, job: { requiredCtx: 4097 } },
  ],
  [
    'A-27 a missing extension',
    'extensions EXTENSIONS_UNSATISFIED',
    { pool: { features: new Set(['a']) }, job: { extensions: ['a', 'b'] } },
  ],
  ['A-27 every extension', 'assigned', { pool: { features: new Set(['a', 'b', 'c']) }, job: { extensions: ['a', 'b'] } }],
  [
    'A-28 too little compute capability',
    'compute_capability MODEL_NOT_AVAILABLE',
    { pool: { computeCapability: '7.5' }, job: { minComputeCapability: '8.0' } },
  ],
  ['A-28 an unknown compute capability', 'assigned', { job: { minComputeCapability: '8.0' } }],
  ['A-28 a quantisation that is not run', 'quant MODEL_NOT_AVAILABLE', { pool: { quants: new Set(['q8']) }, job: { quant: 'q4' } }],
  ['A-28 an unknown list of quantisations', 'assigned', { job: { quant: 'q4' } }],
  ['A-29 a node without the model', 'model_unavailable MODEL_NOT_AVAILABLE', { pool: { modelsAvailable: new Set(['other']) } }],
  ['A-29 a node with the model', 'assigned', { pool: { modelsAvailable: new Set(['m']) } }],
  [
    'A-29 a replica that shows that the node has it',
    'assigned',
    { pool: { modelsAvailable: new Set<string>(), replicas: [aReplica('r')] } },
  ],
  ['A-30 weights and context over the memory', 'vram INSUFFICIENT_VRAM', { pool: { memoryTotalBytes: 5 * GIB - 1 } }],
  ['A-30 weights and context that fit exactly', 'assigned', { pool: { memoryTotalBytes: 5 * GIB } }],
  ['A-30 G-24 at admission only the whole memory counts', 'assigned', { pool: { memoryFreeBytes: 0 } }],
  ['A-30 unknown weights count as nothing', 'assigned', { pool: { memoryTotalBytes: GIB }, job: { weightsBytes: null } }],
  ['A-30 an unknown context counts as nothing', 'assigned', { pool: { memoryTotalBytes: 4 * GIB }, job: { kvBytes: null } }],
  [
    'A-30 a context that alone is over the memory',
    'vram INSUFFICIENT_VRAM',
    { pool: { memoryTotalBytes: GIB - 1 }, job: { weightsBytes: null } },
  ],
  [
    'A-30 a resident replica holds what it needs',
    'assigned',
    { pool: { memoryFreeBytes: 0, memoryTotalBytes: 1, replicas: [aReplica('r')] }, phase: 'dispatch' },
  ],
  ['A-31 no replica at dispatch', 'not_resident NO_CAPACITY', { phase: 'dispatch' }],
  [
    'A-31 a loading replica at dispatch',
    'not_resident NO_CAPACITY',
    { pool: { replicas: [aReplica('r', { state: 'loading' })] }, phase: 'dispatch' },
  ],
  [
    'A-31 a waiting replica at dispatch',
    'not_resident NO_CAPACITY',
    { pool: { replicas: [aReplica('r', { state: 'waiting' })] }, phase: 'dispatch' },
  ],
  [
    'A-31 a draining replica at dispatch',
    'not_resident NO_CAPACITY',
    { pool: { replicas: [aReplica('r', { state: 'draining' })] }, phase: 'dispatch' },
  ],
  ['A-31 no free slot at dispatch', 'slots NO_CAPACITY', { pool: { replicas: [aReplica('r', { slotsFree: 0 })] }, phase: 'dispatch' }],
  [
    'A-31 a free slot of another model at dispatch',
    'slots NO_CAPACITY',
    { pool: { replicas: [aReplica('r', { slotsFree: 0 }), aReplica('o', { modelKey: 'o' })] }, phase: 'dispatch' },
  ],
  ['A-31 G-24 no free slot at admission', 'assigned', { pool: { replicas: [aReplica('r', { slotsFree: 0 })] } }],
  ['A-31 one free slot at dispatch', 'assigned', { pool: { replicas: [aReplica('r', { slotsFree: 1 })] }, phase: 'dispatch' }],
])('%s: %s', (_, fate, given) => {
  expect(fateOf(given)).toBe(fate);
});
