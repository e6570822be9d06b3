import { readFile } from 'node:fs/promises';
import type { AppliedCatalog, NodeCatalog } from '@corral/contracts';
import { isCatalogError } from '@corral/catalog-core/fs';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { messageOf, writeFileAtomic } from '@corral/service-kit';
import type { Clock, Log } from '@corral/service-kit';
import type { DeleteModelOutcome, DeleteModelRequest } from './delete-model.js';
import { describeUses } from './in-use.js';
import { decodeIntent, encodeIntent } from './intent-document.js';
import { planIntent } from './plan-intent.js';
import type { IntendedState, TakenIntent } from './plan-intent.js';

export interface IntentKeeperOptions {
  /** Where the intent is kept over restarts. */
  readonly path: string;
  readonly store: CatalogStore;
  deleteModel(request: DeleteModelRequest): Promise<DeleteModelOutcome>;
  readonly clock: Clock;
  readonly log: Log;
  /** Asks the control plane for the whole intent. */
  pull(): Promise<NodeCatalog>;
  /** Called when what `applied` says has changed. */
  onApplied(): void;
}

/** The file is as measured, and that is what was then given. */
const AS_GIVEN = { result: 'pass', reason: 'the file has the digest that was given for it' } as const;

/** After a failure, so that a round does not follow the next one with the same. */
const PAUSE_MS = 1_000;

/** Which intent there is, as an answer of the control plane names it. */
export interface IntentName {
  readonly orchestratorIncarnation: string;
  readonly version: number;
}

/**
 * Keeps the operators' intent and this node's entries alike: state, pin and retirement time, for entries that are there and
 * for those that come. One piece of work at a time. [G-19 D-61]
 */
export class IntentKeeper {
  #intent: TakenIntent | null;
  #notApplied: AppliedCatalog['not_applied'] = [];
  #seen: IntentName | null = null;
  /** Of the entries when they were last compared; `null` = they have to be. */
  #revision: number | null = null;
  #work: Promise<void> | null = null;
  /** Somebody said that there is another one than was named last. */
  #isWanted = false;
  /** Of the control plane whose answer came last. */
  #incarnation: string | null = null;
  /** Monotonic; nothing is tried before. */
  #pausedUntilMs = -Infinity;
  #isClosed = false;

  private constructor(
    private readonly options: IntentKeeperOptions,
    intent: TakenIntent | null,
  ) {
    this.#intent = intent;
  }

  /** A file that cannot be read counts as none: the control plane is asked again. */
  static async open(options: IntentKeeperOptions): Promise<IntentKeeper> {
    const text = await readFile(options.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (text === null) return new IntentKeeper(options, null);
    const decoded = decodeIntent(parsed(text));
    if (decoded.kind === 'intent') return new IntentKeeper(options, decoded.intent);
    options.log.warn('intent of the catalog not read; it is asked for again', { path: options.path, reason: decoded.reason });
    return new IntentKeeper(options, null);
  }

  /** What has been applied; `undefined` before the first intent. */
  applied(): AppliedCatalog | undefined {
    if (this.#intent === null) return undefined;
    const { orchestratorIncarnation, version } = this.#intent;
    return { orchestrator_incarnation: orchestratorIncarnation, catalog_version: version, not_applied: [...this.#notApplied] };
  }

  /** An answer named the intent. One that is not the kept one is asked for; a failure is tried again with the next answer. */
  saw(name: IntentName): void {
    this.#seen = name;
    this.#incarnation = name.orchestratorIncarnation;
    this.look();
  }

  /** Asks for the intent now, whatever was named before, and resolves when it is applied or could not be. */
  async refresh(): Promise<void> {
    await this.#work;
    if (this.#isClosed) return;
    this.#isWanted = true;
    this.#work ??= this.#bring().finally(() => (this.#work = null));
    await this.#work;
  }

  /** Entries or uses may have changed. Cheap where nothing did. */
  readonly look = (): void => {
    if (this.#isClosed || this.#work !== null || this.options.clock.monotonicMs() < this.#pausedUntilMs || !this.#isDue()) return;
    this.#work = this.#bring().finally(() => (this.#work = null));
  };

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }

  #isDue(): boolean {
    return this.#isOld() || (this.#intent !== null && (this.#revision !== this.options.store.revision || this.#notApplied.length > 0));
  }

  #isOld(): boolean {
    return this.#isWanted || (this.#seen !== null && (this.#seen.version !== this.#intent?.version || this.#seen.orchestratorIncarnation !== this.#intent.orchestratorIncarnation));
  }

  async #bring(): Promise<void> {
    const before = JSON.stringify(this.applied());
    try {
      if (this.#isOld()) await this.#take();
      if (this.#intent !== null) await this.#apply(this.#intent);
    } catch (error) {
      this.#pausedUntilMs = this.options.clock.monotonicMs() + PAUSE_MS;
      this.options.log.warn('intent of the catalog not applied; it is tried again', { error: messageOf(error) });
    }
    if (JSON.stringify(this.applied()) !== before) this.options.onApplied();
  }

  async #take(): Promise<void> {
    const { pull, path, clock, log } = this.options;
    const orchestratorIncarnation = this.#incarnation;
    // Asked once for each answer that names it, so that a control plane that is in trouble is left alone until its next one.
    this.#seen = null;
    this.#isWanted = false;
    // Nothing is taken from a control plane that this node has not registered with.
    if (orchestratorIncarnation === null) return;
    const { catalog_version: version, models } = await pull();
    const intent: TakenIntent = { orchestratorIncarnation, version, takenAtMs: clock.nowMs(), models: new Map(models.map((model) => [model.model_id, model])) };
    await writeFileAtomic(path, encodeIntent(intent));
    log.info('intent of the catalog taken', { catalog_version: version, from: this.#intent?.version ?? null, models: models.length, orchestrator_incarnation: orchestratorIncarnation });
    this.#intent = intent;
    this.#revision = null;
  }

  async #apply(intent: TakenIntent): Promise<void> {
    const { store } = this.options;
    const { changes, removals } = planIntent(store.list(), intent);
    const { revision } = store;
    await Promise.all(changes.map((change) => this.#change(change)));
    const notApplied: { model_id: string; reason: string }[] = [];
    for (const modelId of removals) {
      const reason = await this.#remove(modelId);
      if (reason !== null) notApplied.push({ model_id: modelId, reason });
    }
    this.#notApplied = notApplied;
    // Own changes need no second look, changes of others meanwhile do.
    this.#revision = changes.length === 0 && removals.length === 0 ? revision : null;
  }

  async #change({ modelId, lifecycle, retiredAtMs, pinned, digestGiven }: IntendedState): Promise<void> {
    const { store, log } = this.options;
    try {
      const before = store.get(modelId);
      await store.update(modelId, (entry) => ({ ...entry, lifecycle, retiredAtMs, pinned, digestGiven, verification: digestGiven && entry.verification.result === 'warn' ? AS_GIVEN : entry.verification }));
      log.info('entry follows the intent', { model_id: modelId, from: { state: before?.lifecycle, pinned: before?.pinned }, to: { state: lifecycle, pinned } });
    } catch (error) {
      // Removed meanwhile: then there is nothing to change.
      if (!isCatalogError(error) || error.code !== 'NOT_FOUND') throw error;
    }
  }

  /** Why the model is still there; `null` when it is not. */
  async #remove(modelId: string): Promise<string | null> {
    const outcome = await this.options.deleteModel({ modelId, rule: 'Purge' });
    return outcome.kind === 'in_use' ? `it is in use (${describeUses(outcome.uses)}); it goes when nobody uses it any longer` : null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
