import { assignmentsHash, type EventEnvelope, type HeartbeatResponse, type NodeState, type NodeSummary, type RegisterRequest, type RegisterResponse, type WantedState } from '@corral/contracts';
import type { HttpClient } from '@corral/service-kit';
import { applyEvent, nodeOfEvent } from './apply-event.js';
import { NodeClients } from './node-clients.js';
import { NodeMetrics } from './node-metrics.js';
import { NodePolls } from './node-polls.js';
import { acceptReport, type Acceptance, type Arrival, type NodeRecord } from './node-record.js';
import type { NodeChange, NodeDirectory, NodeModelView, NodePlace, PoolView } from './node-view.js';
import type { NodeRegistryOptions } from './registry-options.js';
import { byNodeId, modelViews, nodeSummary, poolViews } from './registry-views.js';
import { PoolNews } from './pool-news.js';
import { reportProblem } from './report-problem.js';
import { arePoolsAsTold, toldPools } from './told-pools.js';

/** The answer to a report, or why there is none. */
export type ReportOutcome<T> =
  | { readonly kind: 'taken'; readonly answer: T }
  /** The node must register. */
  | { readonly kind: 'unknown' }
  /** Another process took over this node id. */
  | { readonly kind: 'fenced' }
  | { readonly kind: 'refused'; readonly field: string; readonly message: string };

/** A node that waits to be told its pools reports again so soon. */
const SETTLING_HEARTBEAT_MS = 250;

/**
 * The one owner of what is known of nodes and their pools. Everything is a snapshot in memory: registration,
 * heartbeats, polls and events rebuild it after a restart. [P-11 P-12 P-13 P-14]
 */
export class NodeRegistry implements NodeDirectory {
  readonly #records = new Map<string, NodeRecord>();
  readonly #listeners = new Set<(change: NodeChange) => void>();
  readonly #clients: NodeClients;
  readonly #polls: NodePolls;
  readonly #metrics: NodeMetrics;
  readonly #stopped = new AbortController();
  readonly #poolNews = new PoolNews();
  #models: readonly NodeModelView[] | null = null;

  constructor(private readonly options: NodeRegistryOptions) {
    this.#clients = new NodeClients(options);
    this.#metrics = new NodeMetrics(options.metrics);
    this.#polls = new NodePolls({
      ...options,
      open: (address) => this.#clients.open(address),
      onState: (address, state) => void this.#report(state, { kind: 'poll', address }),
      onMissed: (nodeId, reason) => this.#goOffline(nodeId, reason),
      isReporting: (nodeId) => this.#isReporting(nodeId),
    });
  }

  /** Begins to poll static nodes and to notice silent ones. */
  start(): void {
    this.#polls.start();
    void this.#watchSilence();
  }

  async close(): Promise<void> {
    this.#stopped.abort(new Error('the node registry is closed'));
    await this.#polls.close();
    await this.#clients.close();
    this.#listeners.clear();
  }

  /** A node introduces itself, for the first time or again. [P-12] */
  register(request: RegisterRequest): ReportOutcome<RegisterResponse> {
    const problem = reportProblem(request.state, request) ?? this.#fullProblem(request.node_id);
    if (problem !== null) {
      this.#metrics.registered('refused');
      return { kind: 'refused', ...problem };
    }
    const accepted = this.#report(request.state, { kind: 'register', request });
    this.#metrics.registered(accepted.kind);
    if (accepted.kind === 'fenced' || accepted.kind === 'unknown') return accepted;
    const { next } = accepted;
    const wanted = this.#wantedOf(next, { always: true });
    return { kind: 'taken', answer: { success: true, message: 'registered', node_id: next.nodeId, next_heartbeat_ms: this.#nextHeartbeatMs(next), ...wanted } };
  }

  /** The full state of a registered node; the answer carries what is wanted of it where it differs. [P-13] */
  heartbeat(nodeId: string, state: NodeState): ReportOutcome<HeartbeatResponse> {
    const problem = reportProblem(state, { node_id: nodeId });
    if (problem !== null) return { kind: 'refused', ...problem };
    const accepted = this.#report(state, { kind: 'heartbeat' });
    this.#metrics.heartbeat(nodeId, accepted.kind);
    if (accepted.kind === 'fenced' || accepted.kind === 'unknown') return accepted;
    return { kind: 'taken', answer: { success: true, next_heartbeat_ms: this.#nextHeartbeatMs(accepted.next), ...this.#wantedOf(accepted.next, { always: false }) } };
  }

  /** The node leaves; `false` when it is not known. [P-15] */
  deregister(nodeId: string): boolean {
    const known = this.#records.get(nodeId);
    this.#metrics.deregistered(known === undefined ? 'unknown' : 'ok');
    if (known === undefined) return false;
    this.#forget(known);
    this.options.log.info('node gone', { node_id: nodeId });
    this.#tell({ type: 'gone', nodeId, reason: 'it deregistered' });
    return true;
  }

  /** Something happened on a node; `false` when the node is not known. [E-23] */
  takeEvent(event: EventEnvelope): boolean {
    const nodeId = nodeOfEvent(event);
    const known = nodeId === null ? undefined : this.#records.get(nodeId);
    if (known === undefined) return false;
    this.#put({ ...known, state: applyEvent(known.state, event) });
    this.#tell({ type: 'event', nodeId: known.nodeId, event });
    // A load that begins is no news of the pools; one that begins after a crash is.
    if (event.type.startsWith('instance.') && (event.type !== 'instance.loading' || event.data.last_error !== null)) this.refresh(known.nodeId);
    return true;
  }

  has(nodeId: string): boolean {
    return this.#records.has(nodeId);
  }

  pools(): readonly PoolView[] {
    return poolViews(byNodeId(this.#records.values()), this.options.clock.monotonicMs());
  }

  pool(poolId: string): PoolView | undefined {
    return this.pools().find((pool) => pool.poolId === poolId);
  }

  nodes(): readonly NodeSummary[] {
    const records = byNodeId(this.#records.values());
    const nowMs = this.options.clock.monotonicMs();
    const known = records.map((record) => nodeSummary(record, records, nowMs, this.options.busMode));
    return [...known, ...this.#polls.unreached()];
  }

  /** Every node that is known, with what tells whether it is on this host. */
  whereabouts(): readonly (NodeSummary & { readonly machineId: string | null })[] {
    return this.nodes().map((node) => ({ ...node, machineId: this.#records.get(node.node_id)?.machineId ?? null }));
  }

  models(): readonly NodeModelView[] {
    return (this.#models ??= modelViews(byNodeId(this.#records.values())));
  }

  places(): readonly NodePlace[] {
    return byNodeId(this.#records.values()).map(({ nodeId, phase, state }) => ({
      nodeId,
      online: phase === 'online',
      models: state.models,
      assignments: state.assignments,
      bytesPerS: { staged: state.bytes_per_s.staged, onDisk: state.bytes_per_s.on_disk, network: state.bytes_per_s.network },
      staging: state.staging,
    }));
  }

  clientFor(nodeId: string): HttpClient | undefined {
    const known = this.#records.get(nodeId);
    return known === undefined ? undefined : this.#clients.for(nodeId, known.address);
  }

  refresh(nodeId: string): void {
    const client = this.clientFor(nodeId);
    const known = this.#records.get(nodeId);
    if (client !== undefined && known !== undefined) this.#polls.refresh(nodeId, known.address, client);
  }

  unreachable(nodeId: string, reason: string): void {
    this.#goOffline(nodeId, `it cannot be reached (${reason})`);
    this.refresh(nodeId);
  }

  onChange(listener: (change: NodeChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #report(state: NodeState, arrival: Arrival): Acceptance {
    const known = this.#records.get(state.node_id);
    const told = (record: { address: string; machineId: string | null }) => this.#toldPools({ nodeId: state.node_id, ...record });
    const identity = arrival.kind === 'register' ? { address: arrival.request.address, machineId: arrival.request.machine_id } : { address: known?.address ?? (arrival.kind === 'poll' ? arrival.address : ''), machineId: known?.machineId ?? null };
    const accepted = acceptReport(known, state, arrival, { nowMs: this.options.clock.monotonicMs(), arePoolsAsTold: (reported) => arePoolsAsTold(told(identity), reported) });
    if (accepted.kind === 'fenced' || accepted.kind === 'unknown') {
      if (accepted.kind === 'fenced') this.options.log.warn('report of a replaced process refused', { node_id: state.node_id, incarnation: state.incarnation });
      return accepted;
    }
    this.#put(accepted.next);
    this.#tellAccepted(accepted, known);
    return accepted;
  }

  #tellAccepted(accepted: Extract<Acceptance, { next: NodeRecord }>, known: NodeRecord | undefined): void {
    const { nodeId, phase, address } = accepted.next;
    const facts = { node_id: nodeId, address, from: known?.phase ?? 'unknown', to: phase };
    if (accepted.kind === 'accepted' && accepted.restarted) {
      this.options.log.warn('node restarted', facts);
      this.#tell({ type: 'restarted', nodeId, reason: 'its pool-managerd started anew' });
    } else if (known === undefined) {
      this.options.log.info(accepted.next.origin === 'static' ? 'static node found' : 'node registered', facts);
      this.#tell({ type: 'registered', nodeId });
    }
    if (accepted.cameOnline) {
      this.options.log.info('node online', { ...facts, pools: accepted.next.state.pools.map(({ pool_id }) => pool_id) });
      this.#tell({ type: 'online', nodeId });
    } else if (accepted.kind === 'accepted') this.#tell({ type: 'reported', nodeId });
  }

  #wantedOf(record: NodeRecord, { always }: { readonly always: boolean }): WantedState {
    const { wanted, incarnation, catalog } = this.options;
    const told = this.#toldPools(record);
    const isNews = this.#poolNews.isToTell(record.nodeId, told);
    if (always) this.#poolNews.registered(record.nodeId, told);
    const assignments = wanted.assignmentsOf(record.nodeId);
    const isAsWanted = record.state.assignments_hash === assignmentsHash(assignments);
    if (!isAsWanted) wanted.toldAll(record.nodeId);
    return {
      orchestrator_incarnation: incarnation,
      catalog_version: catalog.version(),
      ...(always || isNews || !arePoolsAsTold(told, record.state) ? { pools: told === null ? null : [...told] } : {}),
      ...(isAsWanted ? {} : { assignments: [...assignments] }),
      preloads: [...wanted.preloadsOf(record.nodeId)],
    };
  }

  #toldPools(node: Pick<NodeRecord, 'nodeId' | 'address' | 'machineId'>) {
    const pools = this.options.pools();
    if (pools.length === 0) return null;
    const others = [...this.#records.values()].filter(({ nodeId }) => nodeId !== node.nodeId);
    const before = this.#records.has(node.nodeId) ? others.filter((other) => this.#isEarlier(other.nodeId, node.nodeId)) : others;
    return toldPools(node, pools, before, this.options.host);
  }

  /** Records keep the order in which nodes were first seen. */
  #isEarlier(a: string, b: string): boolean {
    const ids = [...this.#records.keys()];
    return ids.indexOf(a) < ids.indexOf(b);
  }

  #nextHeartbeatMs(record: NodeRecord): number {
    return record.phase === 'online' ? this.options.heartbeatMs : Math.min(SETTLING_HEARTBEAT_MS, this.options.heartbeatMs);
  }

  /** Makes room by forgetting the node that has been away longest. */
  #fullProblem(nodeId: string): { field: string; message: string } | null {
    const nodesMax = this.options.nodesMax ?? 1_000;
    if (this.#records.has(nodeId) || this.#records.size < nodesMax) return null;
    const away = [...this.#records.values()].filter(({ phase }) => phase === 'offline').sort((a, b) => a.lastReportMs - b.lastReportMs)[0];
    if (away === undefined) return { field: 'node_id', message: `${nodesMax} nodes are registered already; take one away, or raise the limit` };
    this.#forget(away);
    return null;
  }

  async #watchSilence(): Promise<void> {
    const { clock, offlineMs } = this.options;
    const everyMs = Math.max(10, Math.min(1_000, Math.floor(offlineMs / 10)));
    for (;;) {
      await clock.sleep(everyMs, this.#stopped.signal).catch(() => undefined);
      if (this.#stopped.signal.aborted) return;
      const nowMs = clock.monotonicMs();
      for (const { nodeId, origin, lastReportMs } of [...this.#records.values()]) {
        // A node that is only polled goes by its misses.
        if (origin === 'registered' && nowMs - lastReportMs >= offlineMs) this.#goOffline(nodeId, `it has not reported for ${Math.round((nowMs - lastReportMs) / 1_000)} s`);
      }
    }
  }

  /** A node counts as reporting by itself while its heartbeats come; then polling it would tell nothing new. */
  #isReporting(nodeId: string): boolean {
    const known = this.#records.get(nodeId);
    return known?.origin === 'registered' && this.options.clock.monotonicMs() - known.lastReportMs < this.options.heartbeatMs * 1.5;
  }

  #goOffline(nodeId: string, reason: string): void {
    const known = this.#records.get(nodeId);
    if (known === undefined || known.phase === 'offline') return;
    this.#put({ ...known, phase: 'offline', lastError: reason });
    this.options.log.warn('node offline', { node_id: nodeId, address: known.address, from: known.phase, to: 'offline', reason });
    this.#tell({ type: 'offline', nodeId, reason });
  }

  #put(record: NodeRecord): void {
    this.#records.set(record.nodeId, record);
    this.#models = null;
    this.#metrics.show(record);
    this.#countOnline();
  }

  #forget(record: NodeRecord): void {
    this.#records.delete(record.nodeId);
    this.#clients.drop(record.nodeId);
    this.#poolNews.forget(record.nodeId);
    this.#models = null;
    this.#metrics.forget(record.nodeId);
    this.#countOnline();
  }

  #countOnline(): void {
    let online = 0;
    for (const { phase } of this.#records.values()) online += phase === 'online' ? 1 : 0;
    this.#metrics.online(online);
  }

  #tell(change: NodeChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}
