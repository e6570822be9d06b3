import type { ModelSpec } from '@corral/contracts';
import type { NodePlace } from '../nodes/node-view.js';
import { isStagedOn, modelOn, type AssignmentView } from './assignment-view.js';
import type { ResidencyWorld } from './residency-input.js';

/** A node and one of its pools. */
export interface Target {
  readonly nodeId: string;
  readonly poolId: string;
}

/**
 * Where the weights of a model are best kept in RAM: where they are already, else where the file is, else where most
 * room is; `null` when no node that reports has a pool. Pure. [C-200]
 */
export function stagingTarget(world: Pick<ResidencyWorld, 'places' | 'pools'>, model: ModelSpec, own: AssignmentView | undefined): Target | null {
  const score = (place: NodePlace): readonly number[] => {
    const file = modelOn(place, model);
    const room = place.staging === null ? 0 : place.staging.max_bytes - place.staging.used_bytes;
    return [isStagedOn(place, file?.digest ?? model.digest) ? 1 : 0, place.staging !== null ? 1 : 0, file !== undefined ? 1 : 0, own?.assignment.target.node_id === place.nodeId ? 1 : 0, room];
  };
  const best = world.places
    .filter(({ online, nodeId }) => online && poolOf(world, nodeId) !== null)
    .map((place) => ({ place, score: score(place) }))
    .sort((a, b) => compareScores(b.score, a.score) || (a.place.nodeId < b.place.nodeId ? -1 : 1))[0]?.place;
  if (best === undefined) return null;
  if (own?.assignment.target.node_id === best.nodeId) return targetOf(own);
  const poolId = poolOf(world, best.nodeId);
  return poolId === null ? null : { nodeId: best.nodeId, poolId };
}

/**
 * Whom a load is addressed to while nobody can take it: the node that last had the instance, else the only one that
 * is known; `null` where that is nobody or not clear. Pure. [C-206]
 */
export function awaitedTarget(world: Pick<ResidencyWorld, 'places' | 'pools' | 'views'>, own: AssignmentView | undefined): Target | null {
  if (own !== undefined) return targetOf(own);
  const online = world.places.filter((place) => place.online && poolOf(world, place.nodeId) !== null)[0];
  const onlinePool = online === undefined ? null : poolOf(world, online.nodeId);
  if (online !== undefined && onlinePool !== null) return { nodeId: online.nodeId, poolId: onlinePool };
  const known = new Map<string, string>();
  for (const view of world.views) known.set(view.assignment.target.node_id, view.assignment.target.pool_id);
  for (const { nodeId } of world.places) {
    const poolId = poolOf(world, nodeId);
    if (poolId !== null) known.set(nodeId, poolId);
  }
  const [only, another] = [...known];
  return only === undefined || another !== undefined ? null : { nodeId: only[0], poolId: only[1] };
}

export function targetOf({ assignment }: AssignmentView): Target {
  return { nodeId: assignment.target.node_id, poolId: assignment.target.pool_id };
}

function poolOf({ pools }: Pick<ResidencyWorld, 'pools'>, nodeId: string): string | null {
  return pools.find((pool) => pool.nodeId === nodeId && pool.status.attached === undefined)?.poolId ?? null;
}

function compareScores(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((value, n) => value !== b[n]);
  return differing < 0 ? 0 : (a[differing] ?? 0) - (b[differing] ?? 0);
}
