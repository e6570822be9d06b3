import type { NodeSummary } from '@corral/contracts';
import { isLocalNode, type ThisHost } from '../nodes/local-node.js';
import type { ManifestProblem } from './manifest-error.js';
import type { ServedManifest, ServedPool } from './served-manifest.js';

export interface ResolveSources {
  readonly manifest: ServedManifest;
  /** Ids of the pools that nodes report. */
  readonly poolIds: ReadonlySet<string>;
  lineOf(keys: readonly string[]): number | undefined;
}

/**
 * What a well-formed manifest refers to beyond itself and leads nowhere: a route that is pinned to a pool which neither
 * the manifest defines nor any node reports would never serve. Pure. [F-03]
 */
export function resolveManifest({ manifest, poolIds, lineOf }: ResolveSources): readonly ManifestProblem[] {
  const defined = new Set(manifest.pools.map(({ poolId }) => poolId));
  return [...manifest.routes.values()].flatMap(({ name, placement }): ManifestProblem[] => {
    const pinned = placement?.mode === 'pin' ? placement.pinPoolId : undefined;
    if (pinned === undefined || defined.has(pinned) || poolIds.has(pinned)) return [];
    const keys = ['routes', name, 'placement', 'pin_pool_id'];
    const known = [...new Set([...defined, ...poolIds])].sort();
    return [{ line: lineOf(keys) ?? null, field: keys.join('.'), message: `there is no pool "${pinned}"; ${known.length === 0 ? 'no node has reported a pool yet, so start pool-managerd' : `the pools are ${known.slice(0, 10).join(', ')}`}` }];
  });
}

/** Nodes as far as it matters whether a pool's node is reachable. */
export interface ReachSources {
  readonly nodes: readonly (Pick<NodeSummary, 'node_id' | 'address' | 'online' | 'last_error'> & { readonly machineId: string | null })[];
  readonly host: ThisHost;
}

/** Required pools whose node is not there, each with why and the next step. Pure. [F-33 T-127] */
export function unreachablePools(pools: readonly ServedPool[], { nodes, host }: ReachSources): readonly string[] {
  return pools.flatMap(({ poolId, nodeId, required }) => {
    if (!required) return [];
    const own = nodes.filter((node) => node.node_id === nodeId || (nodeId === 'local' && isLocalNode({ nodeId: node.node_id, address: node.address, machineId: node.machineId }, host)));
    if (own.some(({ online }) => online)) return [];
    const why = own[0]?.last_error ?? (own.length === 0 ? 'no such node has registered' : 'it does not report');
    return [`pool ${poolId} is required and its node ${nodeId} cannot be reached (${why}); start pool-managerd there, or take "required" from the pool`];
  });
}
