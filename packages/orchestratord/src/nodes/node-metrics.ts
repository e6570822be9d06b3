import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { Metrics } from '@corral/service-kit';
import type { NodeRecord } from './node-record.js';

/** The series of nodes and pools; those of pools that went away end. */
export class NodeMetrics {
  readonly #pools = new Map<string, ReadonlySet<string>>();
  readonly #heartbeats = new Map<string, Set<string>>();

  constructor(private readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>) {}

  registered(outcome: string): void {
    this.metrics.inc('orchd_node_registrations_total', { outcome });
  }

  deregistered(outcome: string): void {
    this.metrics.inc('orchd_node_deregistrations_total', { outcome });
  }

  /** A heartbeat of a node that is not known has no series of its own: anybody may send one. */
  heartbeat(nodeId: string, outcome: string): void {
    const node_id = outcome === 'unknown' ? 'unknown' : nodeId;
    this.#heartbeats.set(node_id, (this.#heartbeats.get(node_id) ?? new Set()).add(outcome));
    this.metrics.inc('orchd_node_heartbeats_total', { node_id, outcome });
  }

  forget(nodeId: string): void {
    for (const outcome of this.#heartbeats.get(nodeId) ?? []) this.metrics.remove('orchd_node_heartbeats_total', { node_id: nodeId, outcome });
    this.#heartbeats.delete(nodeId);
    this.#endPools(nodeId, new Set());
  }

  /** Shows the pools of one node, and ends the series of those that it no longer has. */
  show({ nodeId, phase, state }: NodeRecord): void {
    for (const { pool_id, ready, draining } of state.pools) {
      const isReady = ready && !draining;
      this.metrics.set('pool_ready', { pool_id }, isReady ? 1 : 0);
      this.metrics.set('orchd_pools_available', { pool_id }, isReady && phase === 'online' ? 1 : 0);
    }
    this.#endPools(nodeId, new Set(state.pools.map(({ pool_id }) => pool_id)));
  }

  online(nodes: number): void {
    this.metrics.set('orchd_nodes_online', {}, nodes);
  }

  #endPools(nodeId: string, present: ReadonlySet<string>): void {
    for (const pool_id of this.#pools.get(nodeId) ?? []) {
      if (present.has(pool_id)) continue;
      this.metrics.remove('pool_ready', { pool_id });
      this.metrics.remove('orchd_pools_available', { pool_id });
    }
    if (present.size === 0) this.#pools.delete(nodeId);
    else this.#pools.set(nodeId, present);
  }
}
