import type { ResidencyPlan } from '@corral/orchestrator-core';
import { isInProgress, isStagedOn, modelOn, type AssignmentView } from './assignment-view.js';
import type { ModelStatus } from './demand.js';
import type { LoadFailure } from './load-failures.js';
import { loadEstimateMs } from './residency-input.js';
import { impossibleReason, waitReason } from './plan-reasons.js';
import { isFetchPhase, preparationSteps } from './preparation.js';

/** Everything that the status of one model follows from. */
export interface StatusSources {
  readonly modelId: string;
  /** Wanted assignments of this model. */
  readonly views: readonly AssignmentView[];
  /** Pools that have a resident replica of it which is to stay. */
  readonly residentIn: readonly string[];
  /** The last plan, where one was made. */
  readonly plan: ResidencyPlan | undefined;
  /** Why a server that runs by itself and has it does not answer; `null` where there is none. */
  readonly away: string | null;
  readonly failure: LoadFailure | undefined;
  readonly nowMs: number;
  /** How long its last load from there took; `null` when none was seen. */
  lastLoadMs(from: 'staged' | 'on_disk'): number | null;
  wasResident(view: AssignmentView): boolean;
  nameOfModel(modelKey: string): string;
  nameOfReplica(replicaId: string): string;
}

/** A status without the time since which it holds. */
export type StatusNow = Omit<ModelStatus, 'sinceMs'>;

/** How far a model is from being served, and why. Pure. [J-07 C-60] */
export function statusNow(sources: StatusSources): StatusNow {
  const { modelId, residentIn, plan, failure, nowMs } = sources;
  if (residentIn.length > 0) return plain('resident', `${modelId} is resident in ${residentIn.join(', ')}`, 0);
  if (failure !== undefined && nowMs < failure.retryAtMs) {
    return { ...plain('failed', `${modelId} could not be loaded: ${failure.message}`, null), retryAfterMs: Math.ceil(failure.retryAtMs - nowMs) };
  }
  if (plan?.kind === 'wait') return plain('waiting', waitReason(plan, sources.nameOfModel), plan.why.cost.totalMs);
  if (plan?.kind === 'impossible') {
    const own = impossibleReason(plan, modelId, sources.nameOfReplica);
    const reason = sources.away === null ? own : `${modelId} is on a server that is away (${sources.away}), and it can be loaded nowhere else: ${own}`;
    // A pool may come back any moment, and then the tasks that wait are served.
    return plain(plan.reason === 'no_pool' ? 'waiting' : 'impossible', reason, null);
  }
  const active = sources.views.find(isInProgress) ?? sources.views.find((view) => isStaying(view, sources));
  if (active !== undefined) return inProgress(active, sources);
  return plain('none', `${modelId} is not loaded, and nothing has asked for it`, null);
}

/** Resident as far as its node says, though its pool has not shown the replica yet; or started again after a crash. */
function isStaying(view: AssignmentView, { wasResident }: StatusSources): boolean {
  return view.assignment.wanted === 'resident' && view.place?.online === true && (view.status?.residency !== 'failed' || wasResident(view));
}

function inProgress(view: AssignmentView, sources: StatusSources): StatusNow {
  const { modelId } = sources;
  const { assignment, status, place } = view;
  const progress = status?.progress ?? null;
  const estimatedMs = loadMsOf(view, sources);
  const steps = preparationSteps(view, modelOn(place, assignment.model)?.size_bytes ?? null, estimatedMs);
  const where = assignment.target.pool_id;
  if (status?.residency === 'failed' || progress?.phase === 'restarting') return { ...plain('loading', `${modelId} is started again in pool ${where} after: ${status?.last_error ?? 'it ended'}`, estimatedMs), steps };
  if (progress?.phase === 'staging') return { ...plain('loading', `${modelId} is being staged on node ${assignment.target.node_id}${shareOf(progress.fraction)}`, remaining(estimatedMs, progress.fraction)), steps };
  if (assignment.wanted !== 'resident' || isFetchPhase(progress)) {
    return { ...plain('fetching', `${modelId} is being fetched to node ${assignment.target.node_id}${shareOf(progress?.fraction ?? null)}`, null), steps };
  }
  if (progress?.phase === 'waiting_for_memory') return { ...plain('loading', `${modelId} waits in pool ${where} until others have left its memory`, estimatedMs), steps };
  return { ...plain('loading', `${modelId} is being loaded in pool ${where}${shareOf(progress?.fraction ?? null)}`, remaining(estimatedMs, progress?.fraction ?? null)), steps };
}

/** As long as its last load from there took, else what its bytes and the node's bandwidth say. */
function loadMsOf({ assignment, place }: AssignmentView, { lastLoadMs, plan }: StatusSources): number | null {
  if (place === undefined) return null;
  const isStaged = isStagedOn(place, modelOn(place, assignment.model)?.digest ?? assignment.model.digest);
  return lastLoadMs(isStaged ? 'staged' : 'on_disk') ?? (plan?.kind === 'load' ? plan.costMs : loadEstimateMs(place, assignment.model, null));
}

function remaining(estimatedMs: number | null, fraction: number | null): number | null {
  return estimatedMs === null ? null : Math.round(estimatedMs * (1 - (fraction ?? 0)));
}

function shareOf(fraction: number | null): string {
  return fraction === null ? '' : `, ${Math.floor(fraction * 100)} % done`;
}

function plain(state: ModelStatus['state'], message: string, estimatedMs: number | null): StatusNow {
  return { state, message, steps: [], estimatedMs, retryAfterMs: 0 };
}
