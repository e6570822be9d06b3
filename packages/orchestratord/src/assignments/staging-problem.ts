import { formatBytes } from '@corral/service-kit';
import { isStagedOn, modelOn, type AssignmentView } from './assignment-view.js';

/** Why a warm instance is not in RAM though nothing brings it there; `null` where it is, or is on its way. Pure. [C-209] */
export function stagingProblem({ assignment, place, status }: AssignmentView): string | null {
  const { model, target, wanted } = assignment;
  const file = modelOn(place, model);
  if (place?.online !== true || file === undefined || wanted === 'resident' || wanted === 'staged' || (status?.progress ?? null) !== null || isStagedOn(place, file.digest)) return null;
  const { staging } = place;
  const { model_id: modelId } = model;
  if (staging === null) return `node ${target.node_id} has no staging area, so that ${modelId} stays on disk; give it one with POOL_MANAGERD_STAGE_DIR`;
  const room = formatBytes(staging.max_bytes);
  if (file.size_bytes > staging.max_bytes) return `${modelId} has ${formatBytes(file.size_bytes)} and the staging area of node ${target.node_id} ${room}; raise POOL_MANAGERD_STAGE_MAX_BYTES there, or make the instance cold`;
  const failure = staging.failures.find(({ digest }) => digest === file.digest);
  if (failure !== undefined) return failure.message;
  return `the ${room} of the staging area of node ${target.node_id} are taken by what was used later than ${modelId} or is in use; raise POOL_MANAGERD_STAGE_MAX_BYTES there`;
}
