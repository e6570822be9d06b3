import type { Residency } from '@corral/contracts';
import type { NodePlace, PoolView } from '../nodes/node-view.js';
import { isStagedOn, modelOn, type AssignmentView } from './assignment-view.js';
import type { ModelStatus } from './demand.js';
import type { InstanceState } from './lifecycle.js';
import { stagingProblem } from './staging-problem.js';

export interface StateSources {
  /** What is wanted of the instance; `undefined` = nothing ever was, or nothing is any more. */
  readonly view: AssignmentView | undefined;
  /** Where its model stands. */
  readonly status: ModelStatus;
  /** Pools that have a resident replica of its model. */
  readonly residentIn: readonly string[];
  /** The pool of a server that runs by itself and has its model. */
  readonly attached: Pick<PoolView, 'nodeId' | 'poolId'> | null;
  /** The file on any node. */
  readonly isOnDisk: boolean;
  /** Whether it belongs in RAM. */
  readonly isHeldWarm: boolean;
  /** How long a load takes that is asked for now. */
  readonly loadMs: number | null;
}

const RETRY_MIN_MS = 1_000;

/** Where an instance is, as its record and a refused request show it. Pure. [C-60 C-207] */
export function instanceState(sources: StateSources): InstanceState {
  const { view, status, attached, isOnDisk, loadMs } = sources;
  // Who loaded it for themselves have it where they loaded it.
  if (attached !== null && view?.assignment.wanted !== 'resident') return { residency: 'resident', isReady: true, nodeId: attached.nodeId, poolId: attached.poolId, lastError: null, progress: null, estimatedMs: 0, retryAfterMs: null };
  if (view === undefined) return { residency: isOnDisk ? 'on_disk' : 'absent', isReady: false, nodeId: null, poolId: null, lastError: problemOf(status), progress: null, estimatedMs: null, retryAfterMs: retryMs(loadMs) };
  const { assignment, place } = view;
  const residency = residencyOf(view, sources);
  const isReady = residency === 'resident';
  const estimatedMs = isReady || (assignment.wanted === 'staged' && residency === 'staged') ? 0 : comingMs(view, sources);
  return {
    residency,
    isReady,
    nodeId: assignment.target.node_id,
    poolId: assignment.target.pool_id,
    lastError: isReady ? null : (errorOf(view, status) ?? (sources.isHeldWarm ? stagingProblem(view) : null)),
    progress: place?.online === true ? (view.status?.progress ?? null) : null,
    estimatedMs: estimatedMs === null ? null : Math.round(estimatedMs),
    retryAfterMs: isReady ? null : retryMs(status.retryAfterMs > 0 ? status.retryAfterMs : (estimatedMs ?? loadMs)),
  };
}

/** Until it is where it is wanted; a copy into RAM takes about as long as the load that reads the same bytes. */
function comingMs({ assignment, status }: AssignmentView, { status: model, loadMs }: StateSources): number | null {
  if (assignment.wanted === 'resident') return model.estimatedMs ?? loadMs;
  if (assignment.wanted !== 'staged' || loadMs === null || status?.progress?.phase !== 'staging') return null;
  return loadMs * (1 - (status.progress.fraction ?? 0));
}

function residencyOf({ assignment, status, place }: AssignmentView, { residentIn }: StateSources): Residency {
  const { wanted, model, target } = assignment;
  const resting = restingPlace(place, model);
  if (wanted === 'resident') {
    if (place?.online !== true) return resting === 'staged' ? 'on_disk' : resting;
    if (residentIn.includes(target.pool_id) && (status === undefined || status.residency === 'resident')) return 'resident';
    return status === undefined || status.residency === 'resident' || status.residency === 'draining' ? resting : status.residency;
  }
  if (place?.online !== true) return resting;
  const known = status?.residency ?? resting;
  if (known === 'resident' || known === 'draining') return 'draining';
  if (known === 'staged' || resting === 'staged') return wanted === 'staged' ? 'staged' : 'on_disk';
  return known;
}

function restingPlace(place: NodePlace | undefined, model: AssignmentView['assignment']['model']): 'staged' | 'on_disk' | 'absent' {
  const file = modelOn(place, model);
  if (isStagedOn(place, file?.digest ?? model.digest)) return 'staged';
  return file === undefined ? 'absent' : 'on_disk';
}

function errorOf({ assignment, status, place }: AssignmentView, model: ModelStatus): string | null {
  if (place?.online !== true && assignment.wanted !== 'absent' && assignment.wanted !== 'on_disk') return `node ${assignment.target.node_id} does not report; see that pool-managerd runs there`;
  return status?.last_error ?? problemOf(model);
}

function problemOf({ state, message }: ModelStatus): string | null {
  return state === 'failed' || state === 'impossible' ? message : null;
}

function retryMs(ms: number | null): number | null {
  return ms === null ? null : Math.max(RETRY_MIN_MS, Math.round(ms));
}
