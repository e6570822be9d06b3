import { ApiError } from '@corral/contracts';
import type { AssignmentStatus, ModelSpec, NodePreloadRequest, NodeReloadRequest, Operation, PoolPurgeRequest } from '@corral/contracts';
import { messageOf } from '@corral/service-kit';
import type { Operations } from '@corral/service-kit';
import type { Replica } from '../replicas/replica.js';
import { drainPool } from './drain-pool.js';
import type { Pool } from './pool-table.js';
import type { PoolJob, PoolOperationParts } from './pool-operation-parts.js';
import { preloadPool } from './preload-pool.js';
import { checkPurge, purgePool } from './purge-pool.js';
import type { PurgePorts } from './purge-pool.js';
import { reloadPool } from './reload-pool.js';

export type PoolOperationKind = 'drain' | 'reload' | 'preload' | 'purge';

export interface PoolOperationsOptions extends PoolOperationParts {
  readonly operations: Operations;
  readonly drainMs: number;
  /** What a name means on this node. Throws NOT_FOUND. */
  modelOf(ref: string, like: Replica | null): ModelSpec;
  readonly purge: PurgePorts;
  assignmentsIn(poolId: string): readonly AssignmentStatus[];
  /** A reload has ended. */
  onReloaded(poolId: string, outcome: 'succeeded' | 'failed', durationMs: number): void;
}

interface Running {
  readonly kind: PoolOperationKind;
  readonly operation_id: string;
}

/** What operators do to the pools of this node: one thing at a time in each, every one an operation. [B-101 B-102 B-104] */
export class PoolOperations {
  readonly #running = new Map<string, Running>();

  constructor(private readonly options: PoolOperationsOptions) {}

  /** What is under way in a pool; `null` = nothing. */
  runningIn(poolId: string): Running | null {
    return this.#running.get(poolId) ?? null;
  }

  /** A drain of a pool that is being drained joins it, and can only shorten it. */
  drain(poolId: string, graceMs = this.options.drainMs): Operation {
    if (this.#running.get(poolId)?.kind !== 'drain') this.#refuseClash(poolId);
    return this.#start('drain', poolId, (job) => drainPool(this.options, job, graceMs));
  }

  /** Ends a drain, whether it is over or not; what is wanted of the pool is loaded again. */
  undrain(poolId: string): void {
    this.options.pools.endDrain(poolId);
  }

  /** Replaces one replica by one of another model. Refuses what clashes, and a pool that is drained. */
  reload(poolId: string, { new_model_ref: ref, replica_id, deadline_ms: graceMs = this.options.drainMs, model }: NodeReloadRequest): Operation {
    this.#refuseClash(poolId);
    this.#refuseAttached(poolId);
    this.#openPool(poolId);
    const from = this.#replaced(poolId, replica_id);
    const plan = { model: model ?? this.options.modelOf(ref, from), from, graceMs };
    const begunMs = this.options.clock.monotonicMs();
    const told = (outcome: 'succeeded' | 'failed'): void => this.options.onReloaded(poolId, outcome, Math.round(this.options.clock.monotonicMs() - begunMs));
    return this.#start('reload', poolId, (job) => reloadPool(this.options, job, plan).then(
      (result) => (told('succeeded'), result),
      (error: unknown) => {
        told('failed');
        throw error;
      },
    ));
  }

  preload(poolId: string, { models = [], specs = [] }: NodePreloadRequest): Operation {
    this.#refuseClash(poolId);
    if (models.length > 0) this.#refuseAttached(poolId);
    const wanted = models.map((ref) => specs.find(({ model_id }) => model_id === ref) ?? this.options.modelOf(ref, null));
    return this.#start('preload', poolId, (job) => preloadPool(this.options, job, { models: wanted, assignments: () => this.options.assignmentsIn(poolId) }));
  }

  /** Refuses what is in use, before anything is touched. */
  purge(poolId: string, request: PoolPurgeRequest): Operation {
    this.#refuseClash(poolId);
    this.#refuseAttached(poolId);
    checkPurge(request, this.options.purge);
    return this.#start('purge', poolId, (job) => purgePool(this.options, job, { request, graceMs: request.deadline_ms ?? this.options.drainMs, ports: this.options.purge }));
  }

  #start(kind: PoolOperationKind, poolId: string, work: (job: PoolJob) => Promise<unknown>): Operation {
    const { operations, pools } = this.options;
    return operations.start({ kind: `pool_${kind}`, subject: { pool_id: poolId } }, async (step, signal, operationId) => {
      this.#running.set(poolId, { kind, operation_id: operationId });
      try {
        const result = await work({ poolId, operationId, step, signal });
        if (kind !== 'drain') pools.noteFailure(poolId, null);
        return result;
      } catch (error) {
        if (!signal.aborted && kind !== 'drain') pools.noteFailure(poolId, `${kind} of the pool failed: ${messageOf(error)}`);
        throw error;
      } finally {
        if (this.#running.get(poolId)?.operation_id === operationId) this.#running.delete(poolId);
      }
    });
  }

  #refuseClash(poolId: string): void {
    const running = this.#running.get(poolId);
    if (running !== undefined) throw new ApiError('CONFLICT', `a ${running.kind} of pool ${poolId} is under way (operation ${running.operation_id}); ask again when it has ended`, { pool_id: poolId });
  }

  /** A server has loaded its model by itself. [D-82] */
  #refuseAttached(poolId: string): void {
    const attached = this.options.pools.get(poolId)?.planned.attached;
    if (attached !== undefined) throw new ApiError('CONFLICT', `pool ${poolId} is a server that runs by itself and serves ${attached.modelId}; change its model where it runs, or remove it with "corral engines rm ${attached.engineId}"`, { pool_id: poolId });
  }

  #openPool(poolId: string): Pool {
    const pool = this.options.pools.get(poolId);
    if (pool === undefined) throw new ApiError('NOT_FOUND', `pool ${poolId} not found`);
    if (pool.planned.problem !== null) throw new ApiError('POOL_UNREADY', `pool ${poolId} cannot be used: ${pool.planned.problem}`, { pool_id: poolId });
    if (pool.drainDeadlineMs !== null) throw new ApiError('CONFLICT', `pool ${poolId} is drained; end the drain with DELETE /v2/pools/${poolId}/drain, then reload it`, { pool_id: poolId });
    return pool;
  }

  /** The replica whose place is to be taken; `null` where nothing is loaded. */
  #replaced(poolId: string, replicaId: string | undefined): Replica | null {
    const resident = this.options.replicas.inPool(poolId).filter(({ phase }) => phase.state === 'resident');
    const named = (list: readonly Replica[]): string => list.map((one) => `${one.replicaId} (${one.modelId})`).join(', ');
    if (replicaId !== undefined) {
      const replica = resident.find((one) => one.replicaId === replicaId);
      if (replica === undefined) throw new ApiError('NOT_FOUND', `pool ${poolId} has no resident replica ${replicaId}; it has ${named(resident) || 'none'}`, { pool_id: poolId });
      return replica;
    }
    if (resident.length > 1) throw new ApiError('INVALID_PARAMS', `pool ${poolId} has several replicas; name one of ${named(resident)}`, { field: 'replica_id', pool_id: poolId });
    return resident[0] ?? null;
  }
}
