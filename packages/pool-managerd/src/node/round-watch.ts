import type { EventEnvelope, EventType, EventData, NodeModel, PoolStatus } from '@corral/contracts';
import { envelopeOf } from '@corral/event-bus';
import type { Clock, Log } from '@corral/service-kit';
import { OutcomeWatch } from '../assignments/outcome-watch.js';
import type { ObservedAssignment, OutcomeEvent } from '../assignments/outcome-watch.js';

export interface NodeSnapshot {
  readonly pools: readonly PoolStatus[];
  readonly assignments: readonly ObservedAssignment[];
  readonly models: readonly NodeModel[];
}

export interface RoundWatchOptions {
  readonly nodeId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Models that were there at the start are no news. */
  readonly models: readonly NodeModel[];
  /** Why a pool is not ready, for the log. */
  reasonOf(poolId: string): string | null;
  publish(event: EventEnvelope): void;
  onPoolUsable(poolId: string): void;
  onPoolReady(poolId: string): void;
}

/** Compares each round with the one before and tells what happened: to instances, pools and models. [C-84] */
export class RoundWatch {
  readonly #outcomes = new OutcomeWatch();
  #ready: ReadonlyMap<string, boolean> = new Map();
  #models: ReadonlyMap<string, NodeModel>;

  constructor(private readonly options: RoundWatchOptions) {
    this.#models = byId(options.models);
  }

  observe({ pools, assignments, models }: NodeSnapshot): void {
    for (const model of models) this.#tellModel(model, this.#models.get(model.model_id));
    this.#models = byId(models);
    for (const event of this.#outcomes.observe(assignments, this.options.clock.monotonicMs())) this.#tellOutcome(event);
    for (const { pool_id: poolId, takes_work: takesIt } of pools) if (takesIt === true) this.options.onPoolUsable(poolId);
    const before = this.#ready;
    this.#ready = new Map(pools.map((pool) => [pool.pool_id, pool.ready]));
    for (const pool of pools) if (before.get(pool.pool_id) !== pool.ready) this.#tellPool(pool, before.get(pool.pool_id));
  }

  #tellModel(model: NodeModel, before: NodeModel | undefined): void {
    const { model_id, digest, lifecycle: state, pinned, facts } = model;
    const isNew = before === undefined || before.digest !== digest || (before.facts === null) !== (facts === null);
    if (isNew) return this.#publish('catalog.model_registered', { node_id: this.options.nodeId, model });
    if (before.lifecycle === state && before.pinned === pinned) return;
    this.#publish('catalog.state_changed', { node_id: this.options.nodeId, model_id, digest, from: { state: before.lifecycle, pinned: before.pinned }, to: { state, pinned } });
  }

  #tellOutcome({ type, data, correlationId }: OutcomeEvent): void {
    const { instance_id, org_id, generation, pool_id, replica_id, residency, last_error, duration_ms, reason } = data;
    const fields = { type, org_id, instance_id, generation, pool_id, replica_id, residency, duration_ms, reason, correlation_id: correlationId };
    if (type === 'instance.load_failed') this.options.log.warn('assignment failed', { ...fields, last_error });
    else this.options.log.info('assignment changed', fields);
    this.#publish(type, data, correlationId);
  }

  #tellPool(pool: PoolStatus, before: boolean | undefined): void {
    const { log, reasonOf, onPoolReady } = this.options;
    const fields = { pool_id: pool.pool_id, engine: pool.engine, engine_version: pool.engine_version, from: before === undefined ? 'none' : before ? 'ready' : 'unready', to: pool.ready ? 'ready' : 'unready' };
    if (pool.ready) {
      log.info('pool changed', { ...fields, cause: 'its device works and its preloads are done', human: `The pool on ${pool.device} is ready.` });
      onPoolReady(pool.pool_id);
    } else {
      log.warn('pool changed', { ...fields, cause: reasonOf(pool.pool_id), last_error: pool.last_error });
    }
    this.#publish(pool.ready ? 'pool.ready' : 'pool.unready', pool);
  }

  #publish<T extends EventType>(type: T, data: EventData<T>, correlationId?: string): void {
    const { nodeId, clock, publish } = this.options;
    publish(envelopeOf(type, data, { source: `pool-managerd/${nodeId}`, clock, correlationId }) as EventEnvelope);
  }
}

function byId(models: readonly NodeModel[]): ReadonlyMap<string, NodeModel> {
  return new Map(models.map((model) => [model.model_id, model]));
}
