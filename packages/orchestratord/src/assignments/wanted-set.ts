import type { Assignment, EventSource, ModelSpec, WantedResidency } from '@corral/contracts';
import { envelopeOf } from '@corral/event-bus';
import { newId, type Clock } from '@corral/service-kit';
import type { Kysely } from 'kysely';
import { instanceKeyOf, type InstanceRegistry } from '../instances/instance-registry.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { ResolvedInstance } from '../manifest/resolution.js';
import { deleteAssignment, listAssignments, putAssignment } from '../store/assignment-rows.js';
import { deleteInstance, ensureInstance, nextGeneration, type InstanceKey, type InstanceRecord } from '../store/instance-rows.js';
import { putModel } from '../store/model-rows.js';
import type { Store } from '../store/open-store.js';
import { addCommand, lastCommandId, type Command } from '../store/outbox-rows.js';
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
}

export interface WantedSetOptions {
  readonly store: Store;
  readonly instances: InstanceRegistry;
  /** Whether a model is served only because a node has it: then its spec is kept, so that it means the same after a restart. */
  isFromNodes(modelId: string): boolean;
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

  /** Commits the changes, in order, each with the next generation of its instance. Returns the new assignments. */
  async apply(changes: readonly WantedChange[]): Promise<readonly Assignment[]> {
    if (changes.length === 0) return [];
    const { store, instances } = this.options;
    const written = await store.db.transaction().execute(async (tx) => {
      const rows: Written[] = [];
      for (const change of changes) rows.push(await this.#write(tx, change, rows));
      return rows;
    });
    for (const { record, assignment, commandId } of written) {
      instances.put(record);
      this.#assignments.set(keyOf(assignment), assignment);
      this.#lastCommandId = Math.max(this.#lastCommandId, commandId);
    }
    this.options.onCommands([...new Set(written.flatMap(({ nodeIds }) => nodeIds))]);
    return written.map(({ assignment }) => assignment);
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

  async #write(tx: Kysely<Database>, change: WantedChange, before: readonly Written[]): Promise<Written> {
    const { store, instances, isFromNodes } = this.options;
    const nowMs = store.clock.nowMs();
    const record = await ensureInstance(tx, instances.definitionOf(change.instance, change.model), nowMs);
    if (isFromNodes(change.model.model_id)) await putModel(tx, { spec: change.model, origin: 'node', state: 'Active' }, nowMs);
    const correlationId = newId();
    const key = instanceKeyOf(change.instance);
    const earlier = before.findLast(({ assignment }) => keyOf(assignment) === key)?.assignment ?? this.#assignments.get(key);
    const nodeIds = [change.target.nodeId];
    if (earlier !== undefined && earlier.wanted === 'resident' && earlier.target.node_id !== change.target.nodeId) {
      // The node that had it hears at once; that it is wanted there no longer is said by the row it loses.
      const left: Assignment = { ...earlier, wanted: 'on_disk', generation: await nextGeneration(tx, change.instance), source: change.source, reason: change.reason, correlation_id: correlationId };
      await addCommand(tx, commandOf(left, store.clock), nowMs);
      nodeIds.push(earlier.target.node_id);
    }
    const assignment = assignmentOf(change, record, await nextGeneration(tx, change.instance), correlationId);
    await putAssignment(tx, assignment, nowMs);
    const commandId = await addCommand(tx, commandOf(assignment, store.clock), nowMs);
    return { record: { ...record, generation: assignment.generation }, assignment, commandId, nodeIds };
  }
}

interface Written {
  readonly record: InstanceRecord;
  readonly assignment: Assignment;
  readonly commandId: number;
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

function commandOf(assignment: Assignment, clock: Clock): Command {
  const type = assignment.wanted === 'resident' || assignment.wanted === 'staged' ? 'orchestrator.load' : 'orchestrator.unload';
  // A fetch is the first half of a load; the node goes by `wanted` in any case.
  return envelopeOf(type, assignment, { source: 'orchestratord', clock, correlationId: assignment.correlation_id }) as Command;
}

function keyOf({ org_id, instance_id }: Assignment): string {
  return instanceKeyOf({ orgId: org_id, instanceId: instance_id });
}
