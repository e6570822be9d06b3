import { ApiError, type InstanceCreate, type InstancePatch, type ModelSpec, type Tier } from '@corral/contracts';
import { messageOf, nearest, QueueFullError, SerialQueue, type Log } from '@corral/service-kit';
import type { InstanceState, Lifecycle } from '../assignments/lifecycle.js';
import type { WantedSet } from '../assignments/wanted-set.js';
import { retiredMessage } from '../manifest/resolve-model-ref.js';
import { createInstance, putInstance, readInstance, type InstanceDefinition, type InstanceKey, type InstanceRecord } from '../store/instance-rows.js';
import type { Store } from '../store/open-store.js';
import { createdInstance, isReservedId, patchedInstance, versionOf } from './instance-changes.js';
import type { InstanceHistory } from './instance-history.js';
import { instanceKeyOf, type InstanceRegistry } from './instance-registry.js';
import { owedTier } from './owed-tier.js';
import { suspended } from './suspended.js';

export interface InstancesOptions {
  readonly store: Store;
  readonly registry: InstanceRegistry;
  readonly lifecycle: Lifecycle;
  readonly wanted: Pick<WantedSet, 'forget'>;
  readonly models: { specOf(modelId: string): ModelSpec | undefined; isRetired(modelId: string): boolean; modelIds(): Iterable<string> };
  readonly history: Pick<InstanceHistory, 'note'>;
  readonly log: Log;
}

/** A change of one instance: on whose call, and of which version where that was said. */
export interface ChangeCall {
  readonly correlationId: string;
  readonly ifMatch?: string | undefined;
}

/** Changes that may wait for one instance. */
const WAITING_MAX = 1_000;

/**
 * The instances that orgs make: create, change, delete, load, unload. Changes of one instance come one after the
 * other; loads and unloads are the {@link Lifecycle}'s to order. [B-111 B-122 B-123]
 */
export class Instances {
  readonly #lines = new Map<string, SerialQueue>();

  constructor(private readonly options: InstancesOptions) {}

  /** The instances of one org that are not deleted, by id. */
  list(orgId: string): readonly InstanceRecord[] {
    const own = this.options.registry.list().filter((record) => record.orgId === orgId);
    return own.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  }

  stateOf(key: InstanceKey): InstanceState {
    return this.options.lifecycle.stateOf(key);
  }

  /** The instance. Throws NOT_FOUND with what is near, or GONE for one that was deleted. [B-111] */
  async known(key: InstanceKey): Promise<InstanceRecord> {
    const { registry, store } = this.options;
    const record = registry.find(key);
    if (record !== undefined) return record;
    const stored = await readInstance(store.db, key);
    if (stored !== undefined && stored.deletedAtMs !== null) throw new ApiError('GONE', `instance ${key.instanceId} was deleted; create it again with POST /api/orgs/${key.orgId}/instances`);
    const near = nearest(key.instanceId, this.list(key.orgId).map(({ instanceId }) => instanceId));
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `GET /api/orgs/${key.orgId}/instances lists them`;
    throw new ApiError('NOT_FOUND', `org ${key.orgId} has no instance ${key.instanceId.slice(0, 128)}; ${hint}`, { field: 'instance_id' });
  }

  /** Makes an instance. It is not loaded, unless it is hot, nor staged, unless it is warm: then what cannot be ordered now is owed. */
  create(orgId: string, body: InstanceCreate, call: ChangeCall): Promise<InstanceRecord> {
    return this.#inLine({ orgId, instanceId: body.instance_id }, async () => {
      if (isReservedId(body.instance_id)) throw new ApiError('INVALID_PARAMS', `ids like ${body.instance_id} belong to what the server keeps for routes and models; choose one that does not begin with route or model and a dot`, { field: 'instance_id' });
      this.#requireModel(body.model);
      const { store, registry } = this.options;
      const definition = createdInstance(orgId, body, 'api');
      const heldTier = owedTier(definition.tier);
      const record = await store.db.transaction().execute((tx) => createInstance(tx, { ...definition, heldTier }, store.clock.nowMs()));
      if (record === undefined) throw new ApiError('CONFLICT', `org ${orgId} has an instance ${body.instance_id} already; change it with PATCH, or choose another id`, { field: 'instance_id' });
      registry.put(record);
      this.#note(record, 'created', `model ${record.modelRef}, tier ${record.tier}`);
      await this.#loadOwed(record, call);
      return registry.find(record) ?? record;
    });
  }

  /** Changes what the patch names. The same content again changes nothing; another model or config is refreshed where it is loaded. [B-122] */
  patch(key: InstanceKey, patch: InstancePatch, call: ChangeCall): Promise<InstanceRecord> {
    return this.#inLine(key, async () => {
      const before = await this.#changeable(key, call);
      const { definition, isSame, runsDifferently } = patchedInstance(before, patch);
      if (isSame) return before;
      if (definition.modelRef !== before.modelRef) this.#requireModel(definition.modelRef);
      if (definition.status === 'suspended' && before.status === 'active') await this.#unloadWhatIsThere(before, call);
      const record = await this.#store(definition);
      if (runsDifferently && record.status === 'active') await this.#refresh(before, call);
      this.#note(record, eventOf(before, record), changesBetween(before, record));
      if (record.status === 'active' && (before.tier !== record.tier || before.status === 'suspended')) await this.#loadOwed(record, call);
      return this.options.registry.find(key) ?? record;
    });
  }

  /** Unloads the instance, then marks it as deleted; its row stays, so that its generation only grows. [B-123] */
  remove(key: InstanceKey, call: ChangeCall): Promise<void> {
    return this.#inLine(key, async () => {
      const record = await this.#changeable(key, call);
      await this.#unloadWhatIsThere(record, call);
      await this.options.wanted.forget([key]);
      this.#note(record, 'deleted', null);
    });
  }

  /** Publishes the load. Returns the tier that counts: the asked one, else the record's. [B-112 B-113 G-02] */
  async load(key: InstanceKey, asked: Tier | undefined, call: ChangeCall): Promise<Tier> {
    const record = await this.known(key);
    if (record.status === 'suspended') throw suspended(record);
    this.#requireModel(record.modelRef);
    const tier = asked ?? record.tier;
    await this.options.lifecycle.load(key, { tier, source: 'api_load', correlationId: call.correlationId });
    this.#note(record, 'load_requested', `tier ${tier}`);
    return tier;
  }

  async unload(key: InstanceKey, call: ChangeCall): Promise<void> {
    const record = await this.known(key);
    await this.options.lifecycle.unload(key, { source: 'api_unload', correlationId: call.correlationId });
    this.#note(record, 'unload_requested', null);
  }

  async #changeable(key: InstanceKey, { ifMatch }: ChangeCall): Promise<InstanceRecord> {
    const record = await this.known(key);
    if (record.kind === 'implicit') throw new ApiError('CONFLICT', `the server keeps ${key.instanceId} for a route or a model; change that in the manifest`);
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== versionOf(record)) throw new ApiError('PRECONDITION_FAILED', `instance ${key.instanceId} is another one than If-Match says; read it again and send its ETag`);
    return record;
  }

  #requireModel(modelId: string): void {
    const { models } = this.options;
    if (models.isRetired(modelId)) throw new ApiError('MODEL_DEPRECATED', retiredMessage(modelId), { field: 'model' });
    if (models.specOf(modelId) !== undefined) return;
    const near = nearest(modelId, [...models.modelIds()]);
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'add it to models in the manifest';
    throw new ApiError('NOT_FOUND', `no model ${modelId.slice(0, 256)} is served here; ${hint}`, { field: 'model' });
  }

  async #store(definition: InstanceDefinition): Promise<InstanceRecord> {
    const { store, registry } = this.options;
    const record = await putInstance(store.db, definition, store.clock.nowMs());
    registry.put(record);
    return record;
  }

  /** What is loaded follows the record; where that cannot be published, the record is as it was before. [E-08] */
  async #refresh(before: InstanceRecord, { correlationId }: ChangeCall): Promise<void> {
    try {
      await this.options.lifecycle.refresh(before, correlationId);
    } catch (error) {
      await this.#store(before);
      throw error;
    }
  }

  async #unloadWhatIsThere(record: InstanceRecord, { correlationId }: ChangeCall): Promise<void> {
    const { residency, progress } = this.stateOf(record);
    const isThere = record.heldTier !== null || progress !== null || (residency !== 'absent' && residency !== 'on_disk');
    if (isThere) await this.options.lifecycle.unload(record, { source: 'api_unload', correlationId });
  }

  /** The wish is stored; where its load cannot be ordered now, the loop brings it about when it can. [C-67] */
  async #loadOwed(record: InstanceRecord, { correlationId }: ChangeCall): Promise<void> {
    const tier = owedTier(record.tier);
    if (tier === null) return;
    try {
      await this.options.lifecycle.load(record, { tier, source: 'startup', correlationId });
    } catch (error) {
      const reason = messageOf(error);
      this.options.log.warn('instance not loaded yet', { tier, org_id: record.orgId, instance_id: record.instanceId, reason, correlation_id: correlationId });
      this.#note(record, 'load_failed', reason);
    }
  }

  #note({ orgId, instanceId }: InstanceKey, type: string, reason: string | null): void {
    this.options.history.note({ orgId, instanceId, atMs: this.options.store.clock.nowMs(), type, reason, durationMs: null, steps: [] });
  }

  async #inLine<T>(key: InstanceKey, job: () => Promise<T>): Promise<T> {
    const name = instanceKeyOf(key);
    const line = this.#lines.get(name) ?? new SerialQueue(WAITING_MAX);
    this.#lines.set(name, line);
    try {
      return await line.run(job);
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      throw new ApiError('ADMISSION_REJECT', `${error.limit} changes of instance ${key.instanceId} wait already; send it again in a moment`, { retry_after_ms: 1_000, policy_label: 'instance_changes' });
    } finally {
      if (line.size === 0) this.#lines.delete(name);
    }
  }
}

function eventOf(before: InstanceRecord, after: InstanceRecord): string {
  if (before.status === after.status) return 'updated';
  return after.status === 'suspended' ? 'suspended' : 'resumed';
}

function changesBetween(before: InstanceRecord, after: InstanceRecord): string {
  const changed = [
    before.modelRef === after.modelRef ? null : `model ${after.modelRef}`,
    before.tier === after.tier ? null : `tier ${after.tier}`,
    before.ttlS === after.ttlS ? null : `ttl_s ${after.ttlS ?? 'not set'}`,
    before.configHash === after.configHash ? null : `config ${after.configHash}`,
    before.name === after.name ? null : 'name',
    before.status === after.status ? null : `status ${after.status}`,
  ];
  return changed.filter((one) => one !== null).join(', ');
}
