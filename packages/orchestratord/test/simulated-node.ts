import { assignmentsHash, type Assignment, type AssignmentStatus, type NodeModel, type NodeState, type PoolStatus, type ReplicaStatus, type StagingStatus } from '@corral/contracts';
import { aNodeModel, aNodeState, aPoolStatus, aReplicaStatus } from './node-fixtures.js';

interface Held {
  readonly modelId: string;
  readonly poolId: string;
  readonly context: number;
  readonly slots: number;
}

interface Loading extends Held {
  readonly readyAtMs: number;
}

/**
 * A node in memory that does what assignments say, in the time a test gives it: fetches, loads what fits, lets go of
 * what is not wanted once nothing runs on it.
 */
export class SimulatedNode {
  readonly journal = new Map<string, Assignment>();
  readonly models = new Map<string, NodeModel>();
  readonly resident = new Map<string, Held>();
  /** Loads that were begun, in order. */
  readonly begun: string[] = [];
  loading: Loading | null = null;
  fetching = new Map<string, number>();
  readonly failing = new Map<string, string>();
  /** Models that it has no room for, by what it says then. */
  readonly noRoom = new Map<string, string>();
  /** It works and reports, and hears nothing. */
  isDeaf = false;
  /** Models whose replica ended and comes back by itself, with how it ended. */
  readonly restarting = new Map<string, string>();
  /** Models whose breaker is open, by the Unix milliseconds of their next trial; nobody's wish starts them before. */
  readonly heldUntil = new Map<string, number>();
  /** Staged models, by id, with their bytes, longest unused first. */
  readonly staged = new Map<string, number>();
  /** Bytes of the staging area; `null` = it has none. */
  stageMaxBytes: number | null = null;
  fetchMs = 1_000;
  loadMs = 300;
  incarnation = 'i1';
  #seq = 0;

  constructor(
    readonly nodeId: string,
    readonly pools: readonly { readonly poolId: string; readonly memoryBytes: number; readonly ready?: boolean }[],
    /** Bytes of device memory that a model takes, by id; also the file's size. */
    readonly sizes: Readonly<Record<string, number>>,
    private readonly leases: (replicaId: string) => number = () => 0,
  ) {}

  /** As the bus delivers it: a lower generation is stale. */
  deliver(assignment: Assignment): void {
    const key = `${assignment.org_id}/${assignment.instance_id}`;
    if (this.isDeaf) return;
    if (assignment.target.node_id === this.nodeId && assignment.generation > (this.journal.get(key)?.generation ?? -1)) this.journal.set(key, assignment);
  }

  /** As an answer to a registration or heartbeat carries it. */
  replaceAll(assignments: readonly Assignment[]): void {
    if (this.isDeaf) return;
    const wanted = new Map(assignments.map((one) => [`${one.org_id}/${one.instance_id}`, one]));
    for (const key of this.journal.keys()) if (!wanted.has(key)) this.journal.delete(key);
    for (const one of assignments) this.deliver(one);
  }

  /** Does what is due at this moment; one load at a time. */
  step(nowMs: number): void {
    const wanted = [...this.journal.values()];
    for (const { model, wanted: residency } of wanted) {
      if (residency === 'absent' || this.models.has(model.model_id) || this.failing.has(model.model_id) || this.fetching.has(model.model_id)) continue;
      this.fetching.set(model.model_id, nowMs + this.fetchMs);
    }
    for (const [modelId, doneMs] of this.fetching) {
      if (nowMs < doneMs) continue;
      this.fetching.delete(modelId);
      this.models.set(modelId, aFileOf(modelId, this.sizes[modelId] ?? 1));
    }
    for (const { model, wanted: residency } of wanted) if (residency === 'staged') this.#stage(model.model_id);
    if (this.loading !== null && nowMs >= this.loading.readyAtMs) {
      this.resident.set(replicaId(this.loading.poolId, nameOf(this.loading)), this.loading);
      this.loading = null;
    }
    for (const id of [...this.resident.keys()]) if (!this.isWanted(id) && this.leases(id) === 0) this.resident.delete(id);
    if (this.loading !== null) return;
    const next = wanted.find((one) => one.wanted === 'resident' && this.models.has(one.model.model_id) && !this.failing.has(one.model.model_id) && !this.noRoom.has(one.model.model_id) && !this.restarting.has(one.model.model_id) && !this.resident.has(replicaId(one.target.pool_id, nameOfSpec(one.model))) && this.#fits(one));
    if (next === undefined) return;
    const { model_id: modelId, context, slots } = next.model;
    this.loading = { modelId, context, slots, poolId: next.target.pool_id, readyAtMs: nowMs + this.loadMs };
    this.begun.push(next.model.model_id);
  }

  isWanted(id: string): boolean {
    return [...this.journal.values()].some(({ wanted, target, model }) => wanted === 'resident' && replicaId(target.pool_id, nameOfSpec(model)) === id);
  }

  state(): NodeState {
    this.#seq += 1;
    const assignments = [...this.journal.values()];
    return aNodeState({
      node_id: this.nodeId, incarnation: this.incarnation, seq: this.#seq, models: [...this.models.values()], pools: this.pools.map(({ poolId, memoryBytes, ready = true }) => this.#pool(poolId, memoryBytes, ready)),
      assignments: assignments.map((one) => this.#status(one)), assignments_hash: assignmentsHash(assignments),
      staging: this.#staging(),
    });
  }

  /** Copies at once what fits once those have gone that nobody wants there. */
  #stage(modelId: string): void {
    if (this.stageMaxBytes === null || this.staged.has(modelId) || !this.models.has(modelId)) return;
    const size = this.sizes[modelId] ?? 0;
    const kept = new Set([...this.journal.values()].filter(({ wanted }) => wanted === 'staged').map(({ model }) => model.model_id));
    for (const other of [...this.staged.keys()]) if (this.#stagedBytes() + size > this.stageMaxBytes && !kept.has(other)) this.staged.delete(other);
    if (this.#stagedBytes() + size <= this.stageMaxBytes) this.staged.set(modelId, size);
  }

  #stagedBytes(): number {
    return [...this.staged.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  #staging(): StagingStatus | null {
    if (this.stageMaxBytes === null) return null;
    const entries = [...this.staged].map(([modelId, size]) => ({ model_id: modelId, digest: this.models.get(modelId)?.digest ?? '', size_bytes: size, state: 'staged' as const, progress: null, pinned: false, leases: 0 }));
    return { used_bytes: this.#stagedBytes(), max_bytes: this.stageMaxBytes, best_effort: false, entries, failures: [] };
  }

  #fits({ target, model }: Assignment): boolean {
    const pool = this.pools.find(({ poolId }) => poolId === target.pool_id);
    const held = [...this.resident.values()].filter(({ poolId }) => poolId === target.pool_id).reduce((sum, { modelId }) => sum + (this.sizes[modelId] ?? 0), 0);
    return pool !== undefined && held + (this.sizes[model.model_id] ?? 0) <= pool.memoryBytes;
  }

  #pool(poolId: string, memoryBytes: number, ready: boolean): PoolStatus {
    const replicas: ReplicaStatus[] = [...this.resident].filter(([, one]) => one.poolId === poolId).map(([id, { modelId, context, slots }]) => aReplicaStatus({ replica_id: id, model_id: modelId, digest: this.models.get(modelId)?.digest ?? '', context, slots_total: slots, state: this.isWanted(id) ? 'resident' : 'draining', memory_bytes: this.sizes[modelId] ?? 0 }));
    for (const [modelId, retryAtMs] of this.heldUntil) replicas.push(aReplicaStatus({ replica_id: replicaId(poolId, modelId), model_id: modelId, state: 'failed', breaker: { state: 'open', retry_at_ms: retryAtMs } }));
    if (this.loading?.poolId === poolId) replicas.push(aReplicaStatus({ replica_id: replicaId(poolId, nameOf(this.loading)), model_id: this.loading.modelId, digest: this.models.get(this.loading.modelId)?.digest ?? '', context: this.loading.context, slots_total: this.loading.slots, state: 'loading', memory_bytes: this.sizes[this.loading.modelId] ?? 0 }));
    for (const [modelId, error] of this.restarting) replicas.push(aReplicaStatus({ replica_id: replicaId(poolId, modelId), pid: null, model_id: modelId, state: 'failed', memory_bytes: this.sizes[modelId] ?? 0, last_error: error }));
    return aPoolStatus({ pool_id: poolId, node_id: this.nodeId, memory_total_bytes: memoryBytes, ready, replicas });
  }

  #status({ instance_id, org_id, generation, target, model, wanted }: Assignment): AssignmentStatus {
    const base = { instance_id, org_id, generation, pool_id: target.pool_id, replica_id: null, last_error: null, progress: null };
    const error = this.failing.get(model.model_id);
    const isOnDisk = this.models.has(model.model_id);
    if (wanted === 'absent') return { ...base, residency: isOnDisk ? 'on_disk' : 'absent' };
    const retryAtMs = this.heldUntil.get(model.model_id);
    if (error !== undefined && (retryAtMs === undefined || wanted === 'resident')) return { ...base, residency: 'failed', last_error: error, ...(retryAtMs === undefined ? {} : { retry_at_ms: retryAtMs }) };
    if (!isOnDisk) return { ...base, residency: 'absent', progress: { phase: 'downloading', bytes_done: 1, bytes_total: 2, fraction: 0.5 } };
    const id = replicaId(target.pool_id, nameOfSpec(model));
    const ended = this.restarting.get(model.model_id);
    if (ended !== undefined && wanted === 'resident') return { ...base, residency: 'loading', replica_id: id, last_error: ended, progress: { phase: 'restarting', bytes_done: null, bytes_total: null, fraction: null } };
    if (wanted !== 'resident') return { ...base, residency: this.resident.has(id) && !this.isWanted(id) ? 'draining' : wanted === 'staged' && this.staged.has(model.model_id) ? 'staged' : 'on_disk' };
    if (this.resident.has(id)) return { ...base, residency: 'resident', replica_id: id };
    const full = this.noRoom.get(model.model_id);
    if (full !== undefined) return { ...base, residency: 'failed', last_error: full, no_room: true };
    if (this.loading !== null && nameOf(this.loading) === nameOfSpec(model)) return { ...base, residency: 'loading', replica_id: id, progress: { phase: 'loading', bytes_done: null, bytes_total: null, fraction: 0.25 } };
    return { ...base, residency: 'on_disk', progress: { phase: 'waiting_for_memory', bytes_done: null, bytes_total: null, fraction: null } };
  }
}

const USUAL = { context: 2_048, slots: 4 } as const;

/** A model in its usual shape has its own name; another shape of it is another replica. */
function nameOf({ modelId, context, slots }: Pick<Held, 'modelId' | 'context' | 'slots'>): string {
  return context === USUAL.context && slots === USUAL.slots ? modelId : `${modelId}~${context}x${slots}`;
}

function nameOfSpec({ model_id: modelId, context, slots }: Assignment['model']): string {
  return nameOf({ modelId, context, slots });
}

export function replicaId(poolId: string, modelId: string): string {
  return `${poolId}-${modelId}`;
}

/** A file of its own for each model. */
export function aFileOf(modelId: string, bytes: number): NodeModel {
  return aNodeModel(modelId, bytes, { digest: `sha256:${Buffer.from(modelId).toString('hex').padEnd(64, '0').slice(0, 64)}` });
}
