import { isAtLeast } from './compute-capability.js';
import { normaliseDeviceMask } from './device-mask.js';
import type { FilterName, NoCapacityReason } from './placement-decision.js';
import type { Candidate, PlacementInput } from './placement-input.js';

/** One rule of feasibility; the table of them is also the documentation. */
export interface PlacementFilter {
  readonly name: FilterName;
  /** What the caller is told when this filter empties the set. */
  readonly reason: NoCapacityReason;
  /** `capacity` alone passes by waiting; `health` may; `capability` and `override` do not. */
  readonly kind: 'override' | 'health' | 'capability' | 'capacity';
  /** What a candidate that is kept has, in words. */
  readonly keeps: string;
  readonly accepts: (candidate: Candidate, input: PlacementInput) => boolean;
}

/**
 * Every feasibility rule, in the order applied. Whatever a pool fails first removes it; the last filter that removed
 * one names the reason when nothing is left. [A-20 … A-31 A-63]
 */
export const FILTERS: readonly PlacementFilter[] = [
  {
    name: 'node_pin',
    reason: 'NODE_UNAVAILABLE',
    kind: 'override',
    keeps: 'pools of the node that the task names, where it names one',
    accepts: ({ pool }, { job }) => job.placement?.nodeId === undefined || pool.nodeId === job.placement.nodeId,
  },
  {
    name: 'avoid',
    reason: 'NO_CAPACITY',
    kind: 'override',
    keeps: 'pools that the task does not avoid',
    accepts: ({ pool }, { job }) => job.placement?.avoidPools?.includes(pool.poolId) !== true,
  },
  {
    name: 'node_offline',
    reason: 'NODE_UNAVAILABLE',
    kind: 'health',
    keeps: 'pools whose node is online',
    accepts: ({ pool }) => pool.nodeOnline,
  },
  {
    name: 'not_ready',
    reason: 'POOL_UNREADY',
    kind: 'health',
    keeps: 'pools that are live and ready',
    accepts: ({ pool }) => pool.live && pool.ready,
  },
  {
    name: 'draining',
    reason: 'POOL_UNREADY',
    kind: 'health',
    keeps: 'pools that do not drain',
    accepts: ({ pool }) => !pool.draining,
  },
  {
    name: 'stale_snapshot',
    reason: 'STALE_SNAPSHOTS',
    kind: 'health',
    keeps: 'pools whose last report is young enough',
    accepts: ({ pool }, { maxSnapshotAgeMs }) => pool.snapshotAgeMs <= maxSnapshotAgeMs,
  },
  {
    name: 'engine',
    reason: 'MODEL_NOT_AVAILABLE',
    kind: 'capability',
    keeps: 'pools that run the engine of the task, or hold its model with another one',
    accepts: ({ pool, replica }, { job }) => replica !== null || pool.engine === job.engine,
  },
  {
    name: 'device_mask',
    reason: 'NO_CAPACITY',
    kind: 'override',
    keeps: 'pools on exactly the devices that the task requires, where it requires any',
    accepts: ({ pool }, { job }) => matchesMask(pool.deviceMask, pool.deviceKind, job.placement?.requireDeviceMask),
  },
  {
    name: 'ctx',
    reason: 'INSUFFICIENT_CTX',
    kind: 'capability',
    keeps: 'pools and replicas whose context holds the task',
    accepts: ({ pool, replica }, { job }) => {
      const neededTokens = Math.max(job.requiredCtx, job.declaredCtx ?? 0);
      return pool.ctxMax >= neededTokens && (replica === null || replica.ctxMax >= neededTokens);
    },
  },
  {
    name: 'extensions',
    reason: 'EXTENSIONS_UNSATISFIED',
    kind: 'capability',
    keeps: 'pools with every extension that the task needs',
    accepts: ({ pool }, { job }) => job.extensions.every((extension) => pool.features.has(extension)),
  },
  {
    name: 'compute_capability',
    reason: 'MODEL_NOT_AVAILABLE',
    kind: 'capability',
    keeps: 'pools whose compute capability is enough or unknown',
    accepts: ({ pool }, { job }) => isAtLeast(pool.computeCapability, job.minComputeCapability),
  },
  {
    name: 'quant',
    reason: 'MODEL_NOT_AVAILABLE',
    kind: 'capability',
    keeps: 'pools that run the quantisation, or do not say which they run',
    accepts: ({ pool }, { job }) => job.quant === undefined || pool.quants === undefined || pool.quants.has(job.quant),
  },
  {
    name: 'model_unavailable',
    reason: 'MODEL_NOT_AVAILABLE',
    kind: 'capability',
    keeps: 'pools whose node has the model or can get it',
    accepts: ({ pool, replica }, { job }) => replica !== null || pool.modelsAvailable === null || pool.modelsAvailable.has(job.modelKey),
  },
  {
    name: 'vram',
    reason: 'INSUFFICIENT_VRAM',
    kind: 'capability',
    keeps: 'pools whose whole memory holds weights and context, or that hold them already; unknown sizes pass',
    accepts: ({ pool, replica }, { job }) => replica !== null || (job.weightsBytes ?? 0) + (job.kvBytes ?? 0) <= pool.memoryTotalBytes,
  },
  {
    name: 'not_resident',
    reason: 'NO_CAPACITY',
    kind: 'capacity',
    keeps: 'at dispatch: resident replicas of the model',
    accepts: ({ replica }, { phase }) => phase === 'admission' || replica?.state === 'resident',
  },
  {
    name: 'slots',
    reason: 'NO_CAPACITY',
    kind: 'capacity',
    keeps: 'at dispatch: replicas with a free slot',
    accepts: ({ replica }, { phase }) => phase === 'admission' || (replica?.slotsFree ?? 0) > 0,
  },
];

function matchesMask(mask: string, deviceKind: string, required: string | undefined): boolean {
  return required === undefined || mask === required || normaliseDeviceMask(mask, deviceKind) === normaliseDeviceMask(required, deviceKind);
}
