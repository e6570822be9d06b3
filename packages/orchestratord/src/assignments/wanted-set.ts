import type { Assignment, EventSource, ModelSpec, Tier, WantedResidency } from '@corral/contracts';
import { envelopeOf } from '@corral/event-bus';
import { newId, type Clock } from '@corral/service-kit';
import type { Kysely } from 'kysely';
import { isVersionInstance } from '../instances/implicit-instance.js';
import { instanceKeyOf, type InstanceRegistry } from '../instances/instance-registry.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { ResolvedInstance } from '../manifest/resolution.js';
import { deleteAssignment, listAssignments, putAssignment } from '../store/assignment-rows.js';
import { deleteInstance, ensureInstance, nextGeneration, setHeldTier, setLastUsed, type InstanceKey, type InstanceRecord } from '../store/instance-rows.js';
import type { Store } from '../store/open-store.js';
import { addCommand, dropUnsentOf, lastCommandId, type Command } from '../store/outbox-rows.js';
import type { Database } from '../store/schema.js';

/** A decision about one instance. */
export interface WantedChange {
  readonly instance: ResolvedInstance;
  readonly model: ModelSpec;
  readonly wanted: WantedResidency;
  readonly target: { readonly nodeId: string; readonly poolId: string };
  readonly source: EventSource;
  /** Why, in one sentence. */
  readonly reason: string;
  /** What the node is told: whether this is a step of a load or of an unload. Default: a load where weights are to be in memory. */
  readonly event?: 'load' | 'unload';
  /** Who holds the instance from now on, `null` = nobody; unset = as before. */
  readonly heldTier?: Tier | null;
  readonly correlationId?: string;
}

/** A change as it was committed. */
export interface AppliedChange {
  readonly assignment: Assignment;
  /** Who holds the instance from now on. */
  readonly heldTier: Tier | null;
  /** Its commands in the outbox. */
  readonly commandIds: readonly number[];
}

export interface WantedSetOptions {
  readonly store: Store;
  readonly instances: InstanceRegistry;
  /** These models are about to be wanted somewhere: what they mean is kept, so that they mean the same after a restart. */
  keepModels(specs: readonly ModelSpec[]): Promise<void>;
  /** Commands were committed for these nodes. */
  onCommands(nodeIds: readonly string[]): void;
}

/**
 * What is wanted where, in memory as in the store. A change is one transaction: instance, assignment and outbox
 * row are there together or not at all, and memory follows the commit. [E-08 E-10 E-20]
 */
export class WantedSet {
  readonly #assignments = new Map<string, Assignment>();
  #lastCommandId = 0;

  private constructor(private readonly options: WantedSetOptions) {}

  static async open(options: WantedSetOptions): Promise<WantedSet> {
    const set = new WantedSet(options);
    for (const assignment of await listAssignments(options.store.db)) set.#assignments.set(keyOf(assignment), assignment);
    set.#lastCommandId = await lastCommandId(options.store.db);
    return set;
  }

  all(): readonly Assignment[] {
    return [...this.#assignments.values()];
  }

  assignmentsOf(nodeId: string): readonly Assignment[] {
    return this.all().filter(({ target }) => target.node_id === nodeId);
  }

  find(key: InstanceKey): Assignment | undefined {
    return this.#assignments.get(instanceKeyOf(key));
  }

  /** Why a model is resident in a pool, as whoever asked for it last was told; `undefined` where nothing asks for it. */
  reasonOf(poolId: string, modelKey: string): string | undefined {
    const holders = this.all().filter(({ wanted, target, model }) => wanted === 'resident' && target.pool_id === poolId && modelKeyOf(model) === modelKey);
    return holders.toSorted((a, b) => a.instance_id.localeCompare(b.instance_id))[0]?.reason;
  }

  /** Every command up to this outbox id is part of what {@link assignmentsOf} returns. */
  get lastCommandId(): number {
    return this.#lastCommandId;
  }

  /** Commits the changes, in order, each with the next generation of its instance. */
  async apply(changes: readonly WantedChange[]): Promise<readonly AppliedChange[]> {
    if (changes.length === 0) return [];
    const { store, instances, keepModels } = this.options;
    // What is held for an earlier definition alone, or prepared, is meant by nobody.
    await keepModels(changes.flatMap(({ instance, model }) => (isVersionInstance(instance.instanceId) ? [] : [model])));
    const written = await store.db.transaction().execute(async (tx) => {
      const rows: Written[] = [];
      for (const change of changes) rows.push(await this.#write(tx, change, rows));
      return rows;
    });
    for (const { record, assignment, commandIds } of written) {
      instances.put(record);
      this.#assignments.set(keyOf(assignment), assignment);
      this.#lastCommandId = Math.max(this.#lastCommandId, ...commandIds);
    }
    this.options.onCommands([...new Set(written.flatMap(({ nodeIds }) => nodeIds))]);
    return written.map(({ record, assignment, commandIds }) => ({ assignment, heldTier: record.heldTier, commandIds }));
  }

  /** A load holds the instance though nothing can be wanted of any node yet. */
  async hold(key: InstanceKey, tier: Tier): Promise<void> {
    const { store, instances } = this.options;
    await setHeldTier(store.db, key, tier);
    const record = instances.find(key);
    if (record !== undefined) instances.put({ ...record, heldTier: tier });
  }

  /** The instances are wanted nowhere and held by nobody, as before their first load; commands for them that were not sent go. */
  async release(keys: readonly InstanceKey[]): Promise<void> {
    const { store, instances } = this.options;
    if (keys.length === 0) return;
    await store.db.transaction().execute(async (tx) => {
      for (const key of keys) {
        await deleteAssignment(tx, key);
        await dropUnsentOf(tx, key);
        await setHeldTier(tx, key, null);
      }
    });
    for (const key of keys) {
      const record = instances.find(key);
      if (record !== undefined) instances.put({ ...record, heldTier: null });
      this.#assignments.delete(instanceKeyOf(key));
    }
  }

  /** Deletes instances whose route or model is no longer served; their nodes drop them with the next full set. */
  async forget(keys: readonly InstanceKey[]): Promise<void> {
    const { store, instances } = this.options;
    if (keys.length === 0) return;
    await store.db.transaction().execute(async (tx) => {
      for (const key of keys) {
        await deleteAssignment(tx, key);
        await deleteInstance(tx, key, store.clock.nowMs());
      }
    });
    for (const key of keys) {
      const record = instances.find(key);
      if (record !== undefined) instances.put({ ...record, deletedAtMs: store.clock.nowMs() });
      this.#assignments.delete(instanceKeyOf(key));
    }
  }

  /** Writes down when instances were last used. Unix milliseconds. */
  async noteUses(uses: readonly (InstanceKey & { readonly lastUsedAtMs: number })[]): Promise<void> {
    const { store, instances } = this.options;
    if (uses.length === 0) return;
    await store.db.transaction().execute((tx) => setLastUsed(tx, uses));
    for (const { lastUsedAtMs, ...key } of uses) {
      const record = instances.find(key);
      if (record !== undefined) instances.put({ ...record, lastUsedAtMs });
    }
  }

  async #write(tx: Kysely<Database>, change: WantedChange, before: readonly Written[]): Promise<Written> {
    const { store, instances } = this.options;
    const nowMs = store.clock.nowMs();
    const record = await ensureInstance(tx, instances.definitionOf(change.instance, change.model), nowMs);
    const correlationId = change.correlationId ?? newId();
    const heldTier = change.heldTier === undefined ? record.heldTier : change.heldTier;
    if (heldTier !== record.heldTier) await setHeldTier(tx, change.instance, heldTier);
    const key = instanceKeyOf(change.instance);
    const earlier = before.findLast(({ assignment }) => keyOf(assignment) === key)?.assignment ?? this.#assignments.get(key);
    const nodeIds = [change.target.nodeId];
    const commandIds: number[] = [];
    if (earlier !== undefined && (earlier.wanted === 'resident' || earlier.wanted === 'staged') && earlier.target.node_id !== change.target.nodeId) {
      // The node that had it hears at once; that it is wanted there no longer is said by the row it loses.
      const left: Assignment = { ...earlier, wanted: 'on_disk', generation: await nextGeneration(tx, change.instance), source: change.source, reason: change.reason, correlation_id: correlationId };
      commandIds.push(await addCommand(tx, commandOf(left, 'unload', store.clock), nowMs));
      nodeIds.push(earlier.target.node_id);
    }
    const assignment = assignmentOf(change, record, await nextGeneration(tx, change.instance), correlationId);
    await putAssignment(tx, assignment, nowMs);
    const event = change.event ?? (change.wanted === 'resident' || change.wanted === 'staged' ? 'load' : 'unload');
    commandIds.push(await addCommand(tx, commandOf(assignment, event, store.clock), nowMs));
    return { record: { ...record, heldTier, generation: assignment.generation }, assignment, commandIds, nodeIds };
  }
}

interface Written {
  readonly record: InstanceRecord;
  readonly assignment: Assignment;
  readonly commandIds: readonly number[];
  readonly nodeIds: readonly string[];
}

function assignmentOf(change: WantedChange, record: InstanceRecord, generation: number, correlationId: string): Assignment {
  const { instance, model, wanted, target, source, reason } = change;
  return {
    instance_id: instance.instanceId,
    org_id: instance.orgId,
    tier: instance.tier,
    wanted,
    model_ref: model.model_id,
    model,
    digest: model.digest,
    config_hash: record.configHash,
    generation,
    source,
    reason,
    target: { node_id: target.nodeId, pool_id: target.poolId },
    correlation_id: correlationId,
  };
}

/** The node goes by `wanted` in any case: a fetch is the first step of a load, and a demotion to RAM a step of an unload. */
function commandOf(assignment: Assignment, event: 'load' | 'unload', clock: Clock): Command {
  return envelopeOf(`orchestrator.${event}`, assignment, { source: 'orchestratord', clock, correlationId: assignment.correlation_id }) as Command;
}

function keyOf({ org_id, instance_id }: Assignment): string {
  return instanceKeyOf({ orgId: org_id, instanceId: instance_id });
}
