import type { NodeState, PoolDefinition } from '@corral/contracts';
import type { ServedPool } from '../manifest/served-manifest.js';
import { isLocalNode, type ThisHost } from './local-node.js';
import type { NodeRecord } from './node-record.js';

type NodeIdentity = Pick<NodeRecord, 'nodeId' | 'address' | 'machineId'>;

/**
 * The pools that the manifest defines for a node; `null` = none, so the node makes one per device. Where several
 * nodes are on this host, `local` means the first of `nodes`, since a pool is in one place. Pure. [P-05]
 */
export function toldPools(node: NodeIdentity, pools: readonly ServedPool[], nodes: Iterable<NodeIdentity>, host: ThisHost): readonly PoolDefinition[] | null {
  const local = [...nodes, node].find((one) => isLocalNode(one, host));
  const own = pools.filter(({ nodeId }) => nodeId === node.nodeId || (nodeId === 'local' && local?.nodeId === node.nodeId));
  return own.length === 0 ? null : own.map(({ poolId, device, memoryBytes }) => ({ pool_id: poolId, device, memory_bytes: memoryBytes }));
}

/** Whether the node has every pool that it is told to have. */
export function arePoolsAsTold(told: readonly PoolDefinition[] | null, state: Pick<NodeState, 'pools'>): boolean {
  return (told ?? []).every(({ pool_id }) => state.pools.some((pool) => pool.pool_id === pool_id));
}
