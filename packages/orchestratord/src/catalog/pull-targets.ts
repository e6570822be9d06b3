import { ApiError, takesWork, type ModelPull } from '@corral/contracts';
import { nearest } from '@corral/service-kit';
import type { NodePlace, PoolView } from '../nodes/node-view.js';
import { modelsOf } from './fleet-look.js';

/** What the choice of nodes follows from. */
export interface PullSources {
  readonly places: readonly NodePlace[];
  readonly pools: readonly PoolView[];
}

/**
 * Nodes that are to fetch a model: those that were named, all that report, or the one that has it, else the one with
 * most free device memory in a pool that takes work. Throws NOT_FOUND or NODE_UNAVAILABLE where there is none. Pure. [A-162]
 */
export function pullTargets(modelId: string, asked: ModelPull['nodes'], { places, pools }: PullSources): readonly string[] {
  const online = places.filter((place) => place.online);
  if (Array.isArray(asked)) return asked.map((nodeId) => namedNode(nodeId, places));
  if (online.length === 0) throw new ApiError('NODE_UNAVAILABLE', 'no node reports, so nobody can fetch the model; start a pool-managerd, and look at corral nodes', { retry_after_ms: 5_000 });
  if (asked === 'all') return online.map(({ nodeId }) => nodeId);
  const holder = online.find((place) => modelsOf(place).has(modelId));
  if (holder !== undefined) return [holder.nodeId];
  const roomOf = (nodeId: string): number => Math.max(-1, ...pools.filter((pool) => pool.nodeId === nodeId && takesWork(pool.status)).map(({ status }) => status.memory_total_bytes - status.memory_used_bytes));
  const best = online.toSorted((a, b) => roomOf(b.nodeId) - roomOf(a.nodeId) || (a.nodeId < b.nodeId ? -1 : 1))[0];
  return best === undefined ? [] : [best.nodeId];
}

function namedNode(nodeId: string, places: readonly NodePlace[]): string {
  const place = places.find((one) => one.nodeId === nodeId);
  if (place?.online === true) return nodeId;
  if (place !== undefined) throw new ApiError('NODE_UNAVAILABLE', `node ${nodeId} does not report; try again when it does, or name another one`, { field: 'nodes', retry_after_ms: 5_000 });
  const near = nearest(nodeId, places.map((one) => one.nodeId));
  throw new ApiError('NOT_FOUND', `there is no node ${nodeId}; ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'GET /v2/nodes lists them'}`, { field: 'nodes' });
}
