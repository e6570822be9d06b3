import type { ModelFacts, NodeSummary } from '@corral/contracts';
import type { BusState } from '@corral/event-bus';
import type { NodeRecord } from './node-record.js';
import type { NodeModelView, PoolView } from './node-view.js';

/** Records in the order in which views list them. */
export function byNodeId(records: Iterable<NodeRecord>): readonly NodeRecord[] {
  return [...records].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
}

/** Pools of all nodes. A pool id that an earlier node has already is left out: dispatch could not tell the two apart. [E-25] */
export function poolViews(records: readonly NodeRecord[], nowMs: number): readonly PoolView[] {
  const seen = new Set<string>();
  return records.flatMap((record) => {
    const own = record.state.pools.filter(({ pool_id }) => !seen.has(pool_id)).toSorted((a, b) => (a.pool_id < b.pool_id ? -1 : 1));
    for (const { pool_id } of own) seen.add(pool_id);
    return own.map((status) => ({
      poolId: status.pool_id,
      nodeId: record.nodeId,
      address: record.address,
      online: record.phase === 'online',
      snapshotAgeMs: Math.max(0, nowMs - record.lastReportMs),
      status,
    }));
  });
}

/** What is wrong with the pool ids of a node beside those of the nodes before it; `null` when nothing is. */
function poolIdClash(record: NodeRecord, others: readonly NodeRecord[]): string | null {
  for (const { pool_id } of record.state.pools) {
    const owner = others.find((other) => other.nodeId < record.nodeId && other.state.pools.some((pool) => pool.pool_id === pool_id));
    if (owner !== undefined) return `pool id ${pool_id} is used by node ${owner.nodeId} too, so this one is not used; give the pools in the manifest ids of their own`;
  }
  return null;
}

/** Models by id and digest, with the nodes that have them. */
export function modelViews(records: readonly NodeRecord[]): readonly NodeModelView[] {
  const byKey = new Map<string, { facts: ModelFacts | null; retired: boolean; nodeIds: string[]; modelId: string; digest: string; sizeBytes: number }>();
  for (const { nodeId, state } of records) {
    for (const { model_id, digest, size_bytes, lifecycle, facts } of state.models) {
      const key = `${model_id} ${digest}`;
      const view = byKey.get(key) ?? { modelId: model_id, digest, sizeBytes: size_bytes, facts: null, retired: true, nodeIds: [] };
      view.facts = mergedFacts(view.facts, facts);
      view.retired &&= lifecycle === 'Retired';
      view.nodeIds.push(nodeId);
      byKey.set(key, view);
    }
  }
  return [...byKey.values()].sort((a, b) => (a.modelId === b.modelId ? (a.digest < b.digest ? -1 : 1) : a.modelId < b.modelId ? -1 : 1));
}

/** Commands that go through a broker reach no node that does not read there. [E-11] */
function isReading({ state: { event_bus: bus } }: NodeRecord, busMode: BusState['mode']): boolean | null {
  return bus === undefined ? null : bus.consumer_connected && (busMode === 'http' || bus.mode === busMode);
}

/** By the clock of the node as far as it knows, then by ours. */
function sinceLastEventMs({ state, lastReportMs }: NodeRecord, nowMs: number): number | null {
  const lastEventAt = state.event_bus?.last_event_at ?? null;
  return lastEventAt === null ? null : Math.max(0, Math.round(Date.parse(state.sent_at) - Date.parse(lastEventAt) + nowMs - lastReportMs));
}

/** Nodes know the figures of their own device kinds; together they know more. */
function mergedFacts(a: ModelFacts | null, b: ModelFacts | null): ModelFacts | null {
  return a === null || b === null ? (a ?? b) : { ...a, memory: { ...b.memory, ...a.memory } };
}

export function nodeSummary(record: NodeRecord, others: readonly NodeRecord[], nowMs: number, busMode: BusState['mode'] = 'http'): NodeSummary {
  return {
    node_id: record.nodeId,
    address: record.address,
    online: record.phase === 'online',
    state: record.phase,
    origin: record.origin,
    version: record.state.version,
    last_heartbeat_ms: Math.max(0, Math.round(nowMs - record.lastReportMs)),
    consumer_connected: isReading(record, busMode),
    last_event_ms: sinceLastEventMs(record, nowMs),
    pools: record.state.pools.map(({ pool_id }) => pool_id),
    models: record.state.models.map(({ model_id }) => model_id),
    staging: record.state.staging,
    last_error: record.lastError ?? poolIdClash(record, others),
  };
}
