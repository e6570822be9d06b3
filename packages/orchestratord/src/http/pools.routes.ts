import { ApiError, type PoolHealth, type PoolStatus, type ReplicaStatus } from '@corral/contracts';
import { isConnectionError } from '@corral/service-kit';
import type { Express } from 'express';
import type { NodeDirectory, PoolView } from '../nodes/node-view.js';
import { knownPool } from './pool-operations.routes.js';

export interface PoolRoutesParts {
  readonly nodes: Pick<NodeDirectory, 'pools' | 'pool' | 'clientFor' | 'refresh'>;
  /** Tasks that this control plane has on a replica at this moment. */
  leasesOf(replicaId: string): number;
  /** Tasks that wait for a pool. */
  depthOf(poolId: string, priority: 'interactive' | 'batch'): number;
  /** Why a replica is there; `undefined` where nobody has asked for it. */
  reasonOf(poolId: string, replica: ReplicaStatus): string | undefined;
}

/** Pools of all nodes, each in detail, and its reset, which is passed on to its node. [B-100 C-52] */
export function poolRoutes(app: Express, { nodes, ...parts }: PoolRoutesParts): void {
  const shown = (pool: PoolView): PoolStatus => asSeen(withPresent(pool.status, parts), pool);

  app.get('/v2/pools', (_req, res) => void res.json({ data: nodes.pools().map(shown), next_cursor: null }));

  app.get('/v2/pools/:pool_id/health', (req, res) => void res.json(healthOf(shown(knownPool(nodes, req.params.pool_id)))));

  app.post('/v2/pools/:pool_id/reset', async (req, res) => {
    await reset(knownPool(nodes, req.params.pool_id));
    res.status(202).json({});
  });

  /** Doing it twice does no harm. */
  async function reset({ poolId, nodeId }: PoolView): Promise<void> {
    const client = nodes.clientFor(nodeId);
    if (client === undefined) throw away(nodeId, 'it has left');
    try {
      await client.exchange('POST', `/v2/pools/${encodeURIComponent(poolId)}/reset`, undefined, { idempotent: true });
    } catch (error) {
      throw isConnectionError(error) ? away(nodeId, error.message) : error;
    }
    nodes.refresh(nodeId);
  }

  function healthOf(status: PoolStatus): PoolHealth {
    const { pool_id, memory_total_bytes: total, memory_used_bytes: used } = status;
    const resident = status.replicas.filter(({ state }) => state === 'resident');
    return {
      ...status,
      model_id: resident[0]?.model_id ?? null,
      device_mask: status.device_mask ?? '',
      vram_total_bytes: total,
      vram_free_bytes: Math.max(0, total - used),
      metrics: {
        queue_depth_interactive: parts.depthOf(pool_id, 'interactive'),
        queue_depth_batch: parts.depthOf(pool_id, 'batch'),
        active_leases: status.active_leases,
        replicas_resident: resident.length,
      },
    };
  }
}

/** Slots follow the leases of this moment; what the node reported is as old as its last heartbeat. [C-20] */
function withPresent(status: PoolStatus, { leasesOf, reasonOf }: Pick<PoolRoutesParts, 'leasesOf' | 'reasonOf'>): PoolStatus {
  const replicas = status.replicas.map((replica) => {
    const reason = reasonOf(status.pool_id, replica);
    const free = replica.state === 'resident' ? Math.max(0, replica.slots_total - leasesOf(replica.replica_id)) : 0;
    return { ...replica, slots_free: free, ...(reason === undefined ? {} : { reason }) };
  });
  const resident = replicas.filter(({ state }) => state === 'resident');
  const total = resident.reduce((sum, { slots_total }) => sum + slots_total, 0);
  const free = resident.reduce((sum, { slots_free }) => sum + slots_free, 0);
  const leases = replicas.reduce((sum, { replica_id }) => sum + leasesOf(replica_id), 0);
  return { ...status, replicas, slots_total: total, slots_free: free, active_leases: leases };
}

/** A pool whose node does not report is not ready, whatever the node last said. [P-14 G-36] */
function asSeen(status: PoolStatus, { online, nodeId, snapshotAgeMs }: PoolView): PoolStatus {
  if (online) return status;
  return { ...status, live: false, ready: false, last_error: status.last_error ?? `node ${nodeId} has not reported for ${Math.round(snapshotAgeMs / 1_000)} s; look at its log` };
}

function away(nodeId: string, reason: string): ApiError {
  return new ApiError('NODE_UNAVAILABLE', `node ${nodeId} cannot be reached (${reason}); try again when it reports`, { retry_after_ms: 5_000 });
}
