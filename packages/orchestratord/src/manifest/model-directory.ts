import { contextCells } from '@corral/catalog-core';
import type { DeviceKind, ModelFacts, ModelSpec, ReplicaStatus, Tier } from '@corral/contracts';
import type { Catalog } from '../catalog/catalog.js';
import { implicitInstanceId, versionInstanceId } from '../instances/implicit-instance.js';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { NodeDirectory, NodeModelView } from '../nodes/node-view.js';
import type { InstanceKey, InstanceRecord } from '../store/instance-rows.js';
import { indexOf } from './manifest-index.js';
import { modelKeyOf, modelKeyOfReplica } from './model-key.js';
import type { Resolution, ResolvedInstance } from './resolution.js';
import { IMPLICIT_ORG, resolveModelRef } from './resolve-model-ref.js';
import { MODEL_DEFAULTS } from './served-from.js';
import { SeenFiles } from './seen-files.js';
import type { ServedSource } from './served-state.js';

export interface ModelDirectoryOptions {
  readonly served: ServedSource;
  readonly instances: Pick<InstanceRegistry, 'explicitOf' | 'find'>;
  readonly nodes: Pick<NodeDirectory, 'models' | 'pools'>;
  /** What is meant for models: the manifest's definitions and those that calls made, state and pin. */
  readonly catalog: Pick<Catalog, 'record' | 'records' | 'pinned' | 'isRetired' | 'isPurged' | 'isRemoved'>;
  /** The model that answers for an instance until that of its record is loaded; `null` = none. */
  servedMeanwhile?(key: InstanceKey, modelRef: string): string | null;
}

/** A name that a caller may send as `model`. */
export interface ServedName {
  readonly id: string;
  readonly kind: 'instance' | 'route' | 'model';
  readonly modelId: string;
  readonly ownedBy: string;
}

/** Device memory of one replica, bytes. */
export interface MemoryNeed {
  readonly weightsBytes: number;
  readonly contextBytes: number;
}

/** What can be asked for by name: the catalog, instances, and whatever the nodes' catalogs hold. [G-19 P-41] */
export class ModelDirectory {
  readonly #seen = new SeenFiles();

  constructor(private readonly options: ModelDirectoryOptions) {}

  resolve(ref: string, orgId: string): Resolution {
    const { served, instances } = this.options;
    return resolveModelRef(ref, orgId, { routes: served.current().routes, instances: () => instances.explicitOf(orgId), instance: (instanceId) => this.#explicit(orgId, instanceId), specOf: this.specOf, isRetired: this.isRetired, modelIds: () => this.modelIds() });
  }

  #explicit(orgId: string, instanceId: string): InstanceRecord | undefined {
    const record = this.options.instances.find({ orgId, instanceId });
    if (record?.kind !== 'explicit') return undefined;
    const meanwhile = this.options.servedMeanwhile?.(record, record.modelRef) ?? null;
    return meanwhile === null ? record : { ...record, modelRef: meanwhile };
  }

  /** Everything that the callers of an org may name: instances, routes, models. */
  served(orgId: string): readonly ServedName[] {
    const instances = this.options.instances.explicitOf(orgId).map((one): ServedName => ({ id: one.instanceId, kind: 'instance', modelId: one.modelRef, ownedBy: orgId }));
    const routes = [...this.options.served.current().routes.values()].map((one): ServedName => ({ id: one.name, kind: 'route', modelId: one.modelId, ownedBy: 'corral' }));
    const taken = new Set([...instances, ...routes].map(({ id }) => id));
    const models = [...this.modelIds()].filter((id) => !taken.has(id)).map((id): ServedName => ({ id, kind: 'model', modelId: id, ownedBy: 'corral' }));
    return [...instances, ...routes, ...models];
  }

  /** The spec of a model, retired or not: as it was defined, else what nodes report, else what an earlier run knew. */
  readonly specOf = (modelId: string): ModelSpec | undefined => {
    const record = this.options.catalog.record(modelId);
    if (record !== undefined && record.origin !== 'node') return record.spec;
    const found = this.#specFromNodes(modelId, record?.spec.digest ?? null);
    return found === undefined ? record?.spec : { ...found, pinned: record?.spec.pinned ?? false };
  };

  /** A retired model is refused at admission and loaded nowhere. [B-56 G-10] */
  readonly isRetired = (modelId: string): boolean => this.options.catalog.isRetired(modelId);

  /** A purged model is wanted nowhere. [G-09] */
  readonly isPurged = (modelId: string): boolean => this.options.catalog.isPurged(modelId);

  /** Whether anybody defines the model, or used one that a node brought: then more than a node's file keeps it served. */
  isMeant(modelId: string): boolean {
    return this.options.catalog.record(modelId) !== undefined;
  }

  /** Models that are kept in RAM ahead of need. [D-37] */
  pinned(): readonly ModelSpec[] {
    return this.options.catalog.pinned();
  }

  /** The tier of the instance that the server keeps for a route or a bare model; `null` when that is no longer served. [F-26] */
  implicitTier({ instanceId, modelRef }: { readonly instanceId: string; readonly modelRef: string }): Tier | null {
    if (implicitInstanceId('model', modelRef) === instanceId) return this.specOf(modelRef) === undefined ? null : 'demand';
    return indexOf(this.options.served.current()).routeOfInstance.get(instanceId)?.tier ?? null;
  }

  /** What only nodes have counts as served by nobody, so that an earlier definition of it keeps its replica to its end. */
  readonly keyOf = (replica: ReplicaStatus): string =>
    modelKeyOfReplica(replica, { specOf: (modelId) => (this.isMeant(modelId) ? this.specOf(modelId) : undefined), keysSeen: (modelId, digest) => this.#seen.keysSeen(modelId, digest) });

  /** A replica was made of this spec, and these are its bytes. */
  noteFile(spec: ModelSpec, digest: string): void {
    if (spec.digest === null) this.#seen.note(spec.model_id, digest, modelKeyOf(spec));
  }

  /** Whether one replica serves both, though they are written differently: the digest was added, or another source of the same file. */
  readonly isSameReplica = (a: ModelSpec, b: ModelSpec): boolean => {
    const digestOf = (spec: ModelSpec): string | undefined => spec.digest ?? this.#seen.digestOf(modelKeyOf(spec));
    const digest = digestOf(a);
    return a.model_id === b.model_id && a.context === b.context && a.slots === b.slots && digest !== undefined && digest === digestOf(b);
  };

  /** What a task of an earlier definition names by what is served; the same target where it still means something of its own. */
  readonly targetNow = <T extends { readonly model: ModelSpec; readonly modelKey: string; readonly instance: ResolvedInstance }>(target: T): T => {
    const runs = this.specOfInstance(target.instance, target.model.model_id);
    if (runs === undefined || !this.isSameReplica(runs, target.model)) return target;
    const modelKey = modelKeyOf(runs);
    return modelKey === target.modelKey ? target : { ...target, model: runs, modelKey };
  };

  /** What an instance runs by the definitions that are served; `undefined` where that is gone. */
  specOfInstance({ orgId, instanceId }: InstanceKey, modelRef: string): ModelSpec | undefined {
    const record = this.options.instances.find({ orgId, instanceId });
    if (record?.kind === 'explicit') return this.specOf(record.modelRef);
    const route = indexOf(this.options.served.current()).routeOfInstance.get(instanceId);
    if (route !== undefined) return this.specOf(route.modelId);
    return implicitInstanceId('model', modelRef) === instanceId ? this.specOf(modelRef) : undefined;
  }

  /**
   * Who holds the model for a task: the instance that it was accepted for, as long as that runs the very model; else
   * the one that the server keeps for an earlier version while requests of it are under way. [F-05]
   */
  holderOf({ model, modelKey, instance }: { readonly model: ModelSpec; readonly modelKey: string; readonly instance: ResolvedInstance }): ResolvedInstance {
    const runs = this.specOfInstance(instance, model.model_id);
    if (runs !== undefined && modelKeyOf(runs) === modelKey) return instance;
    return { orgId: IMPLICIT_ORG, instanceId: versionInstanceId(modelKey), tier: 'demand' };
  }

  /** Largest context per slot of any model of the manifest; `null` when it has none. */
  largestContext(): number | null {
    return indexOf(this.options.served.current()).largestContext;
  }

  /**
   * Memory of one replica on the device kind where it needs least; `null` while no node has read the file. Where
   * device kinds differ, each pool's own figure counts when the load is planned.
   */
  memoryNeed(model: ModelSpec): MemoryNeed | null {
    const facts = this.factsOf(model);
    if (facts === null) return null;
    const kinds = new Set(this.options.nodes.pools().flatMap(({ status }) => status.device_kind ?? []));
    const needs = [...kinds].flatMap((kind) => memoryNeedOn(kind, facts, model) ?? []);
    return needs.sort((a, b) => a.weightsBytes + a.contextBytes - (b.weightsBytes + b.contextBytes))[0] ?? null;
  }

  /** What is known of the file that the spec means; `null` while no node has it. */
  factsOf({ model_id, digest }: Pick<ModelSpec, 'model_id' | 'digest'>): ModelFacts | null {
    const views = this.options.nodes.models().filter((view) => (digest === null ? view.modelId === model_id : view.digest === digest));
    return views.find(({ facts }) => facts !== null)?.facts ?? null;
  }

  /** The digest that an earlier run used, where a node still has it, else the one that most nodes have. */
  #specFromNodes(modelId: string, before: string | null): ModelSpec | undefined {
    const views = viewsOf(this.options.nodes.models(), modelId).filter((view) => this.#isServed(view));
    const view = views.find(({ digest }) => digest === before) ?? views.toSorted((a, b) => b.nodeIds.length - a.nodeIds.length)[0];
    return view === undefined ? this.#specFromServers(modelId) : specOfView(view);
  }

  /** What a server that runs by itself has, while it answers and while it is away; one that answers comes first. */
  #specFromServers(modelId: string): ModelSpec | undefined {
    const pools = this.options.nodes.pools().filter(({ status }) => status.attached?.model_id === modelId);
    const { attached } = (pools.find(({ online, status }) => online && status.ready) ?? pools[0])?.status ?? {};
    if (attached === undefined || this.options.catalog.isRemoved(modelId, attached.digest)) return undefined;
    return { ...attached, sources: [`catalog:${modelId}`], pinned: false };
  }

  /** Every model that is served. */
  modelIds(): ReadonlySet<string> {
    const { catalog, nodes } = this.options;
    const meant = catalog.records().flatMap(({ spec, state }) => (state === 'Active' ? [spec.model_id] : []));
    const attached = nodes.pools().flatMap(({ status }) => (status.attached === undefined || catalog.isRetired(status.attached.model_id) ? [] : [status.attached.model_id]));
    return new Set([...meant, ...attached, ...nodes.models().filter((view) => this.#isServed(view) && !catalog.isRetired(view.modelId)).map(({ modelId }) => modelId)]);
  }

  /** A node's file that nobody has retired there, or purged here. */
  #isServed({ modelId, digest, retired }: NodeModelView): boolean {
    return !retired && !this.options.catalog.isRemoved(modelId, digest);
  }
}

/** Reports by id; made once for each, since it is asked for at every task. */
const viewsById = new WeakMap<readonly NodeModelView[], ReadonlyMap<string, readonly NodeModelView[]>>();

function viewsOf(all: readonly NodeModelView[], modelId: string): readonly NodeModelView[] {
  const byId = viewsById.get(all) ?? groupedById(all);
  viewsById.set(all, byId);
  return byId.get(modelId) ?? [];
}

function groupedById(all: readonly NodeModelView[]): ReadonlyMap<string, readonly NodeModelView[]> {
  const byId = new Map<string, NodeModelView[]>();
  for (const view of all) {
    const known = byId.get(view.modelId);
    if (known === undefined) byId.set(view.modelId, [view]);
    else known.push(view);
  }
  return byId;
}

/** What a replica takes on one device kind, as it was measured where it was; `null` when the facts have no figures for it. */
export function memoryNeedOn(kind: DeviceKind, facts: ModelFacts, { context, slots }: Pick<ModelSpec, 'context' | 'slots'>): MemoryNeed | null {
  const memory = facts.memory[kind];
  if (memory === undefined) return null;
  const { measured = [] } = memory;
  const taken = measured.find((one) => one.context === context && one.slots === slots);
  if (taken !== undefined) return { weightsBytes: taken.weights_bytes, contextBytes: taken.context_bytes };
  const contextBytes = Math.ceil(memory.context_base_bytes + memory.context_per_cell_bytes * contextCells(context, slots));
  return { weightsBytes: measured.at(-1)?.weights_bytes ?? memory.weights_device_bytes, contextBytes };
}

/** The node finds the file by its digest; the source says where it came from. */
function specOfView({ modelId, digest, facts }: NodeModelView): ModelSpec {
  const context = Math.min(MODEL_DEFAULTS.context, facts?.train_context ?? MODEL_DEFAULTS.context);
  return { model_id: modelId, sources: [`catalog:${modelId}`], digest, context, slots: MODEL_DEFAULTS.slots, pinned: false };
}
