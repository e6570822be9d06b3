import type { ResidencyPlan } from '@corral/orchestrator-core';
import { formatBytes, formatDuration } from '@corral/service-kit';
import type { Wish } from './residency-input.js';

type Yields = Extract<ResidencyPlan, { kind: 'load' }>['yields'][number];

/** Who wants the place, where, and under which rule. */
export interface Contest {
  readonly poolId: string;
  readonly wish: Wish;
  readonly quantumMs: number;
}

/** Why a replica makes room: for the node's log, `corral ps` and whoever waits for it. */
export function yieldReason(yielding: Yields, modelId: string, { poolId, wish, quantumMs }: Contest): string {
  const { model, waitingTasks, waitingMs } = wish.demand;
  const who = `${modelId} yields in ${poolId}`;
  const waited = waitingTasks > 0 ? `${model.model_id} has waited ${formatDuration(waitingMs)}` : wish.source === 'api_load' ? `a load of ${model.model_id} was called` : `${model.model_id} is ${standingOf(wish)}`;
  if (yielding.reason === 'asked') return `${who} when its requests end: ${waited}`;
  if (yielding.reason === 'quantum_over') return `${who}: ${waited}, quantum ${formatDuration(quantumMs)} over`;
  return `${who}: ${waited}, ${modelId} is idle`;
}

/** Why a model is loaded or fetched. */
export function loadReason(kind: 'load' | 'fetch' | 'join', poolId: string, wish: Wish): string {
  const { model, waitingTasks, waitingMs } = wish.demand;
  const what = kind === 'fetch' ? `${model.model_id} is fetched for ${poolId}` : `${model.model_id} is wanted in ${poolId}`;
  if (waitingTasks === 0) return `${what}: ${wish.source === 'api_load' ? 'a load of its instance was called' : `its instance is ${standingOf(wish)}`}`;
  return `${what}: ${waitingTasks} ${waitingTasks === 1 ? 'task waits' : 'tasks wait'} for it, the oldest for ${formatDuration(waitingMs)}`;
}

function standingOf({ demand }: Wish): string {
  return demand.instance.tier === 'hot' ? 'hot' : 'loaded';
}

/** Why a model that waits does so. `nameOf` turns model keys into names. */
export function waitReason(plan: Extract<ResidencyPlan, { kind: 'wait' }>, nameOf: (modelKey: string) => string): string {
  const within = `at the latest in ${formatDuration(plan.untilMs)}`;
  if (plan.reason === 'turn') return `an older request waits for pool ${plan.poolId}; its turn comes first`;
  if (plan.reason === 'room') return `it waits for room in pool ${plan.poolId}, where others have not left yet; its node is asked again ${within}`;
  const who = [...new Set(plan.blockedBy.map(({ modelKey }) => nameOf(modelKey)))].join(', ');
  if (plan.reason === 'loading') return `${who} is being loaded in pool ${plan.poolId}; room is made ${within}`;
  return `${who} works in pool ${plan.poolId}; it makes room ${within}`;
}

/** Why a model can be nowhere, with the numbers and what to do. `nameOf` turns replica ids into names. */
export function impossibleReason(plan: Extract<ResidencyPlan, { kind: 'impossible' }>, modelId: string, nameOf: (replicaId: string) => string): string {
  switch (plan.reason) {
    case 'too_large':
      return `${modelId} needs ${formatBytes(plan.neededBytes ?? 0)} of device memory and the largest pool has ${formatBytes(plan.largestPoolBytes)}; raise the memory of a pool, or lower context or slots of the model`;
    case 'held': {
      const holders = [...new Set(plan.heldBy.map(({ replicaId, because }) => `${nameOf(replicaId)} (${because})`))].join(', ');
      return `${modelId} needs ${formatBytes(plan.neededBytes ?? 0)} and the room is held for good by ${holders}; raise the memory of a pool, or take a model's tier or pin back`;
    }
    case 'weights_unavailable':
      return `no node has ${modelId}, and its sources cannot be fetched; add a source to the model in the manifest`;
    case 'no_pool':
      return `no pool that may take ${modelId} is ready; look at corral pools`;
  }
}
