import { ApiError, type CatalogIntent, type ModelSpec, type NodeCatalog } from '@corral/contracts';
import type { OwnEvents } from '../events/own-events.js';
import type { ServedManifest } from '../manifest/served-manifest.js';
import type { CatalogIntentSource } from '../nodes/catalog-intent.js';
import { readCatalog, writeCatalog } from '../store/model-rows.js';
import type { Store } from '../store/open-store.js';
import { intentEvent, type ChangedBy, type IntentStep } from './intent-event.js';
import { intentOf, specOfIntent, type ModelIntent, type ModelRecord } from './model-intent.js';
import { servedIntents } from './served-intents.js';

export interface CatalogOptions {
  readonly store: Store;
  /** What the manifest defines at this moment; its definition holds over one that a call made. */
  served(): Pick<ServedManifest, 'models'>;
  /** Where changes are told. */
  readonly events: Pick<OwnEvents, 'keep' | 'told'>;
}

/** What one change makes of one model, and what it answers. */
export interface Decision<T> {
  /** `undefined` changes nothing; `null` forgets the model. */
  readonly next?: ModelIntent | null;
  readonly answer: T;
}

interface Waiting {
  readonly modelId: string;
  readonly by: ChangedBy;
  readonly decide: (before: ModelIntent | undefined, nowMs: number) => Decision<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Models that the catalog may hold, and changes that may wait for it. */
const MODELS_MAX = 100_000;
const WAITING_MAX = 10_000;
/** Changes of one commit. */
const BATCH = 500;
/** How long nodes that are away may take to hear that a model was purged. */
const REMOVED_KEPT_MS = 90 * 86_400_000;

/**
 * The one owner of what is meant for models: definitions that calls made, and state and pin, which hold over every
 * definition. Memory is what is durable; changes that come at once share a commit, each with a version of its own. [G-19]
 */
export class Catalog implements CatalogIntentSource {
  readonly #intents = new Map<string, ModelIntent>();
  readonly #listeners = new Set<(modelIds: readonly string[]) => void>();
  #effective: Map<string, ModelRecord> | null = null;
  #seen: ServedManifest['models'] | null = null;
  #list: readonly ModelRecord[] | null = null;
  #pinned: readonly ModelSpec[] | null = null;
  #version: number;
  #waiting: Waiting[] = [];
  #loop: Promise<void> | null = null;
  #closed = false;

  private constructor(
    private readonly options: CatalogOptions,
    { version, intents }: { readonly version: number; readonly intents: readonly ModelIntent[] },
  ) {
    this.#version = version;
    for (const intent of intents) this.#intents.set(intent.modelId, intent);
  }

  /** Reads the store, and takes in what the manifest defines. */
  static async open(options: CatalogOptions): Promise<Catalog> {
    const catalog = new Catalog(options, await readCatalog(options.store.db));
    await catalog.follow(options.served());
    return catalog;
  }

  /** Grows with every change; nodes that know an earlier one ask for {@link forNodes}. */
  version(): number {
    return this.#version;
  }

  /** What is meant for the model; `undefined` for one that nobody has said anything about, or that was purged. */
  intent(modelId: string): ModelIntent | undefined {
    const intent = this.#intents.get(modelId);
    return intent === undefined || intent.removedAtMs !== null ? undefined : intent;
  }

  /** What is to be served under the id: the manifest's definition before a call's; state and pin as they were set last. */
  record(modelId: string): ModelRecord | undefined {
    return this.#records().get(modelId);
  }

  /** Everything that is meant, in no order that means anything. */
  records(): readonly ModelRecord[] {
    return (this.#list ??= [...this.#records().values()]);
  }

  /** Models of the intent that are pinned and not retired. */
  pinned(): readonly ModelSpec[] {
    const records = this.records();
    return (this.#pinned ??= records.flatMap(({ spec, state }) => (spec.pinned && state === 'Active' ? [spec] : [])));
  }

  isRetired(modelId: string): boolean {
    return this.intent(modelId)?.state === 'Retired';
  }

  /** Whether the model was purged, and nobody means it again. */
  isPurged(modelId: string): boolean {
    return this.#intents.get(modelId)?.removedAtMs != null && !this.options.served().models.has(modelId);
  }

  /** Whether a file was purged that a node may still have. */
  isRemoved(modelId: string, digest: string): boolean {
    const intent = this.#intents.get(modelId);
    return intent !== undefined && intent.removedAtMs !== null && (intent.digest === null || intent.digest === digest) && !this.options.served().models.has(modelId);
  }

  /** What is served follows from intents and manifest; both change seldom and are asked for at every task. */
  #records(): Map<string, ModelRecord> {
    const { models } = this.options.served();
    if (this.#effective === null || this.#seen !== models) {
      const own = [...this.#intents.values()].flatMap(({ modelId, removedAtMs }) => (removedAtMs === null ? [modelId] : []));
      this.#effective = new Map([...new Set([...models.keys(), ...own])].flatMap((id) => {
        const record = this.recordWith(id, this.intent(id));
        return record === undefined ? [] : [[id, record] as const];
      }));
      this.#seen = models;
      this.#list = null;
      this.#pinned = null;
    }
    return this.#effective;
  }

  /** What would be served under the id with this intent. */
  recordWith(modelId: string, intent: ModelIntent | undefined): ModelRecord | undefined {
    const defined = this.options.served().models.get(modelId);
    const state = intent?.state ?? 'Active';
    if (defined === undefined) return intent && { spec: specOfIntent(intent), origin: intent.origin, state };
    const pinned = intent?.pinOverride ?? defined.spec.pinned;
    return { spec: pinned === defined.spec.pinned ? defined.spec : { ...defined.spec, pinned }, origin: defined.origin, state };
  }

  /** What nodes have to know: state and pin of every model, and what was purged. */
  forNodes(): NodeCatalog {
    const removed = [...this.#intents.values()].filter(({ modelId, removedAtMs }) => removedAtMs !== null && !this.options.served().models.has(modelId));
    const present = this.records().map(({ spec, state }): CatalogIntent => ({ model_id: spec.model_id, digest: spec.digest, sources: spec.sources, state, pinned: spec.pinned, retired_at_ms: this.intent(spec.model_id)?.retiredAtMs ?? null }));
    return { catalog_version: this.#version, models: [...present, ...removed.map(({ modelId, digest, sources, retiredAtMs }): CatalogIntent => ({ model_id: modelId, digest, sources: [...sources], state: 'Removed', pinned: false, retired_at_ms: retiredAtMs }))] };
  }

  /**
   * Lets `decide` make something else of one model, after every change before it. What it throws rejects this change
   * alone. Resolves when the change is durable, and with it the event that tells it. `decide` is told of purged models too. [E-41]
   */
  change<T>(modelId: string, decide: (before: ModelIntent | undefined, nowMs: number) => Decision<T>, by: ChangedBy): Promise<T> {
    if (this.#closed) return Promise.reject(new ApiError('SHUTTING_DOWN', 'the server is stopping; send the request again in a moment', { retry_after_ms: 2_000 }));
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new ApiError('ADMISSION_REJECT', `${WAITING_MAX} changes of the catalog wait already; send it again in a moment`, { retry_after_ms: 1_000, policy_label: 'catalog_changes' }));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ modelId, by, decide, resolve: resolve as (value: never) => void, reject });
      this.#loop ??= this.#run();
    });
  }

  /** The manifest defines these from now on; what it defined before and does not define any more goes, unless somebody set its state or pin. */
  async follow({ models }: Pick<ServedManifest, 'models'>, correlationId?: string): Promise<void> {
    const changes = servedIntents([...models.values()], [...this.#intents.values()], this.options.store.clock.nowMs());
    await Promise.all([...changes].map(([modelId, next]) => this.change(modelId, () => ({ next, answer: undefined }), { actor: 'manifest', ...(correlationId === undefined ? {} : { correlationId }) })));
  }

  /** Models that nodes brought are used: their specs mean the same after a restart. */
  async keep(specs: readonly ModelSpec[]): Promise<void> {
    const fresh = specs.filter((spec) => this.#isToKeep(spec));
    await Promise.all(fresh.map((spec) => this.change(spec.model_id, (before, nowMs) => ({ next: keptOf(before, spec, nowMs), answer: undefined }), { actor: 'nodes' })));
  }

  /** Called after each commit with the models that it changed. The listener must not throw. Returns the end of the subscription. */
  onChange(listener: (modelIds: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends after the changes that wait. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop;
    this.#listeners.clear();
  }

  #isToKeep(spec: ModelSpec): boolean {
    if (this.options.served().models.has(spec.model_id)) return false;
    // What leaves because it was purged is not meant again by that.
    if (this.isPurged(spec.model_id) && (spec.digest === null || this.isRemoved(spec.model_id, spec.digest))) return false;
    const known = this.intent(spec.model_id);
    return known === undefined || (known.origin !== 'api' && known.digest !== spec.digest);
  }

  async #run(): Promise<void> {
    // Whatever else came in this turn shares the commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, BATCH));
    // At once with the last look at what waits: a change that comes later starts another round.
    this.#loop = null;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { store, events } = this.options;
    const draft = new Map<string, ModelIntent | null>();
    const decided: { readonly waiting: Waiting; readonly answer: unknown }[] = [];
    const steps: IntentStep[] = [];
    let version = this.#version;
    for (const waiting of batch) {
      const before = draft.has(waiting.modelId) ? (draft.get(waiting.modelId) ?? undefined) : this.#intents.get(waiting.modelId);
      try {
        const { next, answer } = waiting.decide(before, store.clock.nowMs());
        if (next !== undefined) {
          if (next !== null && before === undefined && this.#intents.size + draft.size >= MODELS_MAX) throw full();
          draft.set(waiting.modelId, next);
          version += 1;
          steps.push({ before, next, version, by: waiting.by });
        }
        decided.push({ waiting, answer });
      } catch (error) {
        waiting.reject(error);
      }
    }
    const told = steps.flatMap((step) => intentEvent(step, store.clock) ?? []);
    try {
      if (draft.size > 0) await store.db.transaction().execute(async (tx) => {
        await writeCatalog(tx, [...draft.values()].filter((one) => one !== null), [...draft].flatMap(([id, one]) => (one === null ? [id] : [])), version);
        await events.keep(tx, told);
      });
    } catch (error) {
      for (const { waiting } of decided) waiting.reject(error);
      return;
    }
    this.#version = version;
    for (const [id, next] of draft) {
      if (next === null) this.#intents.delete(id);
      else this.#intents.set(id, next);
      this.#forgetRecord(id);
    }
    if (draft.size > 0) for (const listener of [...this.#listeners]) listener([...draft.keys()]);
    events.told(told);
    for (const { waiting, answer } of decided) waiting.resolve(answer as never);
  }

  /** One change costs one record, not all of them. */
  #forgetRecord(modelId: string): void {
    const record = this.recordWith(modelId, this.intent(modelId));
    if (record === undefined) this.#effective?.delete(modelId);
    else this.#effective?.set(modelId, record);
    this.#list = null;
    this.#pinned = null;
  }

  /** Purged models that every node has had time to hear of. */
  async forgetRemoved(): Promise<void> {
    const before = this.options.store.clock.nowMs() - REMOVED_KEPT_MS;
    const old = [...this.#intents.values()].filter(({ removedAtMs }) => removedAtMs !== null && removedAtMs < before);
    await Promise.all(old.map(({ modelId }) => this.change(modelId, (now) => (now?.removedAtMs == null ? { answer: undefined } : { next: null, answer: undefined }), { actor: 'nodes' })));
  }
}

/** The digest that is used is remembered; what was said of state, pin and tags stays. */
function keptOf(before: ModelIntent | undefined, spec: ModelSpec, nowMs: number): ModelIntent {
  const fresh = intentOf({ ...spec, pinned: false }, 'node', nowMs);
  if (before === undefined || before.removedAtMs !== null) return fresh;
  return { ...before, origin: 'node', sources: fresh.sources, digest: fresh.digest, context: fresh.context, slots: fresh.slots, updatedMs: nowMs };
}

function full(): ApiError {
  return new ApiError('CONFLICT', `the catalog holds ${MODELS_MAX} models; remove some with corral models rm`);
}
