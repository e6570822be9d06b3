import type { LoadProgress, PreparationStep } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import { isStagedOn, modelOn, type AssignmentView } from './assignment-view.js';

const FETCHING: readonly LoadProgress['phase'][] = ['locating', 'downloading', 'verifying', 'inspecting'];

/** Whether the node still brings the file. */
export function isFetchPhase(progress: LoadProgress | null): boolean {
  return progress !== null && FETCHING.includes(progress.phase);
}

/** The steps from nothing to resident, as far as the node has come with them. [B-51] */
export function preparationSteps(view: AssignmentView, sizeBytes: number | null, estimatedMs: number | null): readonly PreparationStep[] {
  const { assignment, status } = view;
  const { model_id } = assignment.model;
  const progress = status?.progress ?? null;
  const fetching = isFetchPhase(progress);
  const isOnDisk = sizeBytes !== null && !fetching;
  const bytesTotal = progress?.bytes_total ?? sizeBytes;
  const size = bytesTotal === null ? '' : ` (${formatBytes(bytesTotal)})`;
  const fetch: PreparationStep = {
    id: `fetch:${model_id}`,
    kind: 'model_fetch',
    group: model_id,
    description: `${fetching && progress?.phase === 'verifying' ? 'verify' : 'fetch'} ${model_id}${size}`,
    estimated_ms: null,
    bytes_total: bytesTotal,
    bytes_done: isOnDisk ? bytesTotal : fetching ? (progress?.bytes_done ?? null) : null,
    status: isOnDisk ? 'completed' : status?.residency === 'failed' ? 'failed' : fetching ? 'running' : 'pending',
  };
  const load: PreparationStep = {
    id: `load:${model_id}`,
    kind: 'pool_warmup',
    group: model_id,
    description: `load ${model_id} in pool ${assignment.target.pool_id}`,
    estimated_ms: estimatedMs,
    bytes_total: sizeBytes,
    bytes_done: sizeBytes !== null && status?.residency === 'loading' && progress?.fraction != null ? Math.round(sizeBytes * progress.fraction) : null,
    status: loadStatus(view, isOnDisk),
  };
  const stage = stageStep(view, sizeBytes);
  return stage === null ? [fetch, load] : [fetch, stage, load];
}

/** The copy into RAM, where there is one or it is under way. */
function stageStep({ assignment, status, place }: AssignmentView, sizeBytes: number | null): PreparationStep | null {
  const { model } = assignment;
  const progress = status?.progress ?? null;
  const isStaged = isStagedOn(place, modelOn(place, model)?.digest ?? model.digest);
  if (!isStaged && progress?.phase !== 'staging') return null;
  const bytesTotal = progress?.phase === 'staging' ? (progress.bytes_total ?? sizeBytes) : sizeBytes;
  return {
    id: `stage:${model.model_id}`,
    kind: 'model_stage',
    group: model.model_id,
    description: `stage ${model.model_id} in RAM`,
    estimated_ms: null,
    bytes_total: bytesTotal,
    bytes_done: isStaged ? bytesTotal : (progress?.bytes_done ?? null),
    status: isStaged ? 'completed' : 'running',
  };
}

function loadStatus({ assignment, status }: AssignmentView, isOnDisk: boolean): PreparationStep['status'] {
  if (status?.residency === 'resident') return 'completed';
  if (assignment.wanted !== 'resident' || !isOnDisk) return 'pending';
  if (status?.residency === 'failed') return 'failed';
  return status?.residency === 'loading' ? 'running' : 'pending';
}
