import { ApiError, Operation, validator, type ModelSpec, type PoolPreloadRequest, type PoolPurgeRequest, type PoolReloadRequest } from '@corral/contracts';
import { isConnectionError, type Clock, type HttpClient, type Operations, type OperationStep } from '@corral/service-kit';
import type { ResidencyLoop } from '../assignments/residency-loop.js';
import type { WantedChange, WantedSet } from '../assignments/wanted-set.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { NodeDirectory, PoolView } from '../nodes/node-view.js';
import { followOperation } from './follow-operation.js';

export interface PoolCallsParts {
  readonly operations: Operations;
  readonly nodes: Pick<NodeDirectory, 'pools' | 'pool' | 'clientFor' | 'refresh'>;
  readonly wanted: Pick<WantedSet, 'all' | 'apply'>;
  readonly residency: Pick<ResidencyLoop, 'between'>;
  readonly clock: Clock;
}

/** An operation that a node has begun. */
interface Begun {
  readonly pool: PoolView;
  readonly client: HttpClient;
  readonly operationId: string;
}

const operationOf = validator(Operation);

const LOOK_MS = 200;
/** After its node has done it, a change is wanted within a report and a commit. */
const TAKE_OVER_MS = 60_000;

/** Operations on pools, as their nodes carry them out: begun there, followed from here, and what is wanted agrees at their end. [B-101 B-102 B-103 B-104 C-262] */
export class PoolCalls {
  constructor(private readonly parts: PoolCallsParts) {}

  /** Doing it twice does no harm: the later one joins. */
  async drain(pool: PoolView, deadlineMs: number | undefined): Promise<Operation> {
    const begun = await this.#begin(pool, 'drain', deadlineMs === undefined ? {} : { deadline_ms: deadlineMs }, true);
    return this.#follow('pool_drain', begun, async (result) => result);
  }

  async undrain(pool: PoolView): Promise<void> {
    const client = this.#clientOf(pool.nodeId);
    await this.#reached(pool.nodeId, client.exchange('DELETE', pathOf(pool.poolId, 'drain')));
    this.parts.nodes.refresh(pool.nodeId);
  }

  /** Every pool of a node. */
  async drainNode(nodeId: string, pools: readonly PoolView[], deadlineMs: number | undefined): Promise<Operation> {
    const begun = await Promise.all(pools.map((pool) => this.#begin(pool, 'drain', deadlineMs === undefined ? {} : { deadline_ms: deadlineMs }, true)));
    return this.parts.operations.start({ kind: 'node_drain', subject: { node_id: nodeId } }, async (step, signal) => {
      let ended = 0;
      const follow = async (one: Begun): Promise<unknown> => {
        const result = await this.#followed(one, () => {}, signal);
        ended += 1;
        step({ phase: 'draining', fraction: ended / begun.length, detail: `${ended} of ${begun.length} pools are drained` });
        return result;
      };
      step({ phase: 'draining', fraction: 0, detail: `0 of ${begun.length} pools are drained` });
      const outcomes = await Promise.allSettled(begun.map(follow));
      this.parts.nodes.refresh(nodeId);
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return { node_id: nodeId, pools: outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : null)) };
    });
  }

  async reload(pool: PoolView, { new_model_ref, replica_id, deadline_ms }: PoolReloadRequest, model: ModelSpec): Promise<Operation> {
    const request = { new_model_ref, model, ...(replica_id === undefined ? {} : { replica_id }), ...(deadline_ms === undefined ? {} : { deadline_ms }) };
    const begun = await this.#begin(pool, 'reload', request);
    return this.#follow('pool_reload', begun, (result, step, signal) => this.#takenOver(begun, [model], { result, step, signal }));
  }

  async preload(pool: PoolView, { models = [] }: PoolPreloadRequest, specs: readonly ModelSpec[]): Promise<Operation> {
    const begun = await this.#begin(pool, 'preload', { models, specs });
    return this.#follow('pool_preload', begun, (result, step, signal) => this.#takenOver(begun, specs, { result, step, signal }));
  }

  /** With `force`, nothing is wanted of the models on that node any longer, so that they do not come back by themselves. */
  async purge(pool: PoolView, request: PoolPurgeRequest): Promise<Operation> {
    if (request.force === true) await this.#letGo(pool.nodeId, new Set(request.purge_models));
    return this.#follow('pool_purge', await this.#begin(pool, 'purge', request), async (result) => result);
  }

  #letGo(nodeId: string, modelIds: ReadonlySet<string>): Promise<unknown> {
    const { wanted, residency } = this.parts;
    return residency.between(() => {
      const held = wanted.all().filter(({ target, model, wanted: place }) => target.node_id === nodeId && modelIds.has(model.model_id) && place !== 'absent');
      return wanted.apply(held.map(({ org_id, instance_id, tier, model, target }): WantedChange => ({ instance: { orgId: org_id, instanceId: instance_id, tier }, model, wanted: 'absent', event: 'unload', target: { nodeId: target.node_id, poolId: target.pool_id }, source: 'api_unload', reason: `an operator purged ${model.model_id}`, heldTier: null })));
    });
  }

  async #begin(pool: PoolView, what: string, request: object, idempotent = false): Promise<Begun> {
    const client = this.#clientOf(pool.nodeId);
    const checked = operationOf(await this.#reached(pool.nodeId, client.json('POST', pathOf(pool.poolId, what), request, { idempotent })));
    this.parts.nodes.refresh(pool.nodeId);
    if (!checked.ok) throw new ApiError('NODE_UNAVAILABLE', `node ${pool.nodeId} answered what this version cannot read; run the same version on both`);
    return { pool, client, operationId: checked.value.operation_id };
  }

  #follow(kind: string, begun: Begun, then: (result: unknown, step: OperationStep, signal: AbortSignal) => Promise<unknown>): Operation {
    const { poolId, nodeId } = begun.pool;
    return this.parts.operations.start({ kind, subject: { pool_id: poolId, node_id: nodeId } }, async (step, signal) => {
      try {
        return await then(await this.#followed(begun, step, signal), step, signal);
      } finally {
        this.parts.nodes.refresh(nodeId);
      }
    });
  }

  #followed({ client, operationId }: Begun, step: OperationStep, signal: AbortSignal): Promise<unknown> {
    return followOperation({ client, clock: this.parts.clock }, operationId, step, signal);
  }

  /** Until what the node did is what is wanted, so that nothing undoes it. */
  async #takenOver({ pool: { poolId, nodeId } }: Begun, models: readonly ModelSpec[], { result, step, signal }: { readonly result: unknown; readonly step: OperationStep; readonly signal: AbortSignal }): Promise<unknown> {
    const { wanted, clock, nodes } = this.parts;
    const isWanted = (model: ModelSpec): boolean => wanted.all().some((assignment) => assignment.wanted === 'resident' && assignment.target.pool_id === poolId && modelKeyOf(assignment.model) === modelKeyOf(model));
    const giveUpMs = clock.monotonicMs() + TAKE_OVER_MS;
    while (!models.every(isWanted)) {
      step({ phase: 'taking_over', fraction: null, detail: 'what is wanted of the pool follows what was done' });
      if (clock.monotonicMs() > giveUpMs) throw new ApiError('CONFLICT', `node ${nodeId} did it, and something else is wanted of pool ${poolId} since; look at GET /v2/pools and ask again`, { pool_id: poolId });
      nodes.refresh(nodeId);
      await clock.sleep(LOOK_MS, signal);
    }
    return result;
  }

  #clientOf(nodeId: string): HttpClient {
    const client = this.parts.nodes.clientFor(nodeId);
    if (client === undefined) throw away(nodeId, 'it has left');
    return client;
  }

  async #reached<T>(nodeId: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw isConnectionError(error) ? away(nodeId, error.message) : error;
    }
  }
}

function pathOf(poolId: string, what: string): string {
  return `/v2/pools/${encodeURIComponent(poolId)}/${what}`;
}

function away(nodeId: string, reason: string): ApiError {
  return new ApiError('NODE_UNAVAILABLE', `node ${nodeId} cannot be reached (${reason}); try again when it reports`, { retry_after_ms: 5_000 });
}
