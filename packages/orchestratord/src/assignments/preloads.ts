import type { Assignment, Preload } from '@corral/contracts';
import type { InstanceKey } from '../store/instance-rows.js';
import type { ModelStatus } from './demand.js';
import type { Wish } from './residency-input.js';

export interface PreloadSources {
  /** What should be resident although no task waits for it. */
  readonly held: readonly Wish[];
  assignmentOf(key: InstanceKey): Assignment | undefined;
  statusOf(modelKey: string): ModelStatus;
  /** How the last try to load the model ended; `undefined` where it was loaded, or never tried. */
  failureOf(modelKey: string): string | undefined;
}

/** A node is told of so many at most; what it is not told of does not hold it back. */
const PRELOADS_MAX = 1_000;

/**
 * Hot instances that are to be on this node, or that no place was decided for yet, with what is between them and being
 * resident. A failure is told until the model was loaded, so that a pool does not look well between two tries. Pure. [C-268]
 */
export function preloadsOf(nodeId: string, { held, assignmentOf, statusOf, failureOf }: PreloadSources): readonly Preload[] {
  const hot = held.filter(({ demand }) => demand.instance.tier === 'hot');
  const mine = hot.flatMap(({ demand }): Preload[] => {
    const { instance, modelKey } = demand;
    const target = assignmentOf(instance)?.target;
    if (target !== undefined && target.node_id !== nodeId) return [];
    const failure = failureOf(modelKey);
    const { state, message } = statusOf(modelKey);
    const isWaiting = state === 'waiting' || state === 'impossible';
    const told = failure !== undefined ? ({ state: 'failed', reason: failure } as const) : isWaiting ? ({ state: 'waits', reason: message } as const) : ({ state: 'coming', reason: null } as const);
    return [{ org_id: instance.orgId, instance_id: instance.instanceId, pool_id: target?.pool_id ?? null, ...told }];
  });
  return mine.slice(0, PRELOADS_MAX);
}
