import type { ModelFacts } from '@corral/catalog-core';
import { backoffMs, messageOf } from '@corral/service-kit';
import type { BackoffPolicy, Clock, Log } from '@corral/service-kit';
import { wantedModelKey } from './present-model.js';
import type { Presence, PresenceProgress, PresenceState, PresentModel, WantedModel } from './present-model.js';

/** Makes a model present. Rejects with what is wrong; the message is fit for `last_error`. */
export type EnsureModel = (wanted: WantedModel, options: { readonly signal: AbortSignal; readonly onProgress: (progress: PresenceProgress) => void }) => Promise<PresentModel>;

export interface ModelWish {
  readonly wanted: WantedModel;
  /** Newest generation of the assignments that have it. */
  readonly generation: number;
}

export interface ModelPresenceOptions {
  readonly ensure: EnsureModel;
  /** Models that are worked on at once; the rest waits its turn. */
  readonly concurrency: number;
  readonly retry: BackoffPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Called after each change; must not throw. */
  readonly onChange: () => void;
}

/**
 * Keeps the models that assignments want on this node's disk: each is worked on once, however many ask,
 * with a bounded number at a time, and tried again with growing waits.
 */
export class ModelPresence {
  readonly #presences = new Map<string, Presence>();
  readonly #running = new Map<string, AbortController>();
  readonly #ended = new Set<Promise<void>>();
  readonly #readyAtMs = new Map<string, number>();
  #isClosed = false;

  constructor(private readonly options: ModelPresenceOptions) {}

  get(key: string): Presence | undefined {
    return this.#presences.get(key);
  }

  list(): readonly Presence[] {
    return [...this.#presences.values()];
  }

  /** Replaces what is wanted. A newer generation, or the end of a wait, looks at a model again. Cheap where nothing changed. */
  want(wishes: readonly ModelWish[]): void {
    if (this.#isClosed) return;
    const wanted = new Map(wishes.map((wish) => [wantedModelKey(wish.wanted), wish]));
    for (const key of this.#presences.keys()) if (!wanted.has(key)) this.#forget(key);
    const nowMs = this.options.clock.monotonicMs();
    for (const [key, { wanted: model, generation }] of wanted) {
      const known = this.#presences.get(key);
      if (known === undefined) this.#put({ key, wanted: model, phase: QUEUED, model: null, failures: 0, generation });
      // Work that is under way goes on: whoever asks anew wants the same file.
      else if (generation > known.generation) this.#put({ ...known, phase: known.phase.state === 'working' ? known.phase : QUEUED, failures: 0, generation });
      else if (known.phase.state === 'failed' && nowMs >= known.phase.retryAtMs) this.#put({ ...known, phase: QUEUED });
    }
    this.#fill();
  }

  /** Looks at a model again before it is used again: its file may be the reason why a load failed. */
  recheck(key: string): void {
    const known = this.#presences.get(key);
    if (known?.phase.state !== 'present') return;
    this.#put({ ...known, phase: QUEUED });
    this.#fill();
  }

  /** Looks again at every model that is made of a file. */
  recheckFile(digest: string): void {
    for (const { key, model } of [...this.#presences.values()]) if (model?.digest === digest) this.recheck(key);
  }

  /** Whether it was made present for an assignment within this time: its load may be about to be ordered. */
  isFresh({ modelId, digest }: { readonly modelId: string; readonly digest: string }, withinMs: number): boolean {
    const sinceMs = this.options.clock.monotonicMs() - withinMs;
    return this.list().some(({ key, wanted, model }) => (wanted.modelId === modelId || model?.digest === digest) && (this.#readyAtMs.get(key) ?? -Infinity) > sinceMs);
  }

  /** The file was deleted, and nobody works with it: no model is made of it any more, and none is fetched before somebody asks anew. */
  release(digest: string): void {
    for (const known of this.list()) {
      if (known.model?.digest !== digest) continue;
      // Work that has begun finds out by itself.
      this.#put({ ...known, phase: known.phase.state === 'working' ? known.phase : { state: 'released' }, model: null });
    }
    this.options.onChange();
  }

  /** Replaces what is known of a file, for every model that is made of it. */
  learn(digest: string, change: (facts: ModelFacts) => ModelFacts): void {
    for (const known of this.#presences.values()) {
      if (known.model === null || known.model.digest !== digest || known.model.facts === null) continue;
      this.#put({ ...known, model: { ...known.model, facts: change(known.model.facts) } });
    }
  }

  /** The next time at which a wait ends; `null` when none does. */
  wakeAtMs(): number | null {
    const times = [...this.#presences.values()].flatMap(({ phase }) => (phase.state === 'failed' ? [phase.retryAtMs] : []));
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Calls off what is under way and waits until it has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const controller of this.#running.values()) controller.abort(new Error('the daemon stops'));
    await Promise.all(this.#ended);
  }

  #fill(): void {
    for (const { key, phase } of this.#presences.values()) {
      if (this.#running.size >= this.options.concurrency) return;
      // A model that was forgotten and is wanted again waits for the end of its first work.
      if (phase.state === 'working' && !this.#running.has(key)) this.#start(key);
    }
  }

  #start(key: string): void {
    const controller = new AbortController();
    this.#running.set(key, controller);
    const ended = this.#work(key, controller.signal).finally(() => {
      this.#running.delete(key);
      this.#ended.delete(ended);
      if (!this.#isClosed) this.#fill();
      this.options.onChange();
    });
    this.#ended.add(ended);
  }

  async #work(key: string, signal: AbortSignal): Promise<void> {
    const { ensure, log } = this.options;
    const before = this.#presences.get(key);
    if (before === undefined) return;
    try {
      const model = await ensure(before.wanted, {
        signal,
        onProgress: (progress) => {
          if (!signal.aborted) this.#change(key, (known) => ({ ...known, phase: { state: 'working', progress } }));
        },
      });
      if (signal.aborted) return;
      this.#readyAtMs.set(key, this.options.clock.monotonicMs());
      this.#change(key, (known) => ({ ...known, phase: { state: 'present' }, model, failures: 0 }));
    } catch (error) {
      if (signal.aborted) return;
      const message = messageOf(error);
      this.#change(key, (known) => this.#failed(known, message));
      log.warn('model not present', { model_id: before.wanted.modelId, last_error: message, failures: this.#presences.get(key)?.failures ?? 0 });
    }
  }

  #failed(known: Presence, error: string): Presence {
    const { clock, retry, random } = this.options;
    const failures = known.failures + 1;
    const waitMs = Math.round(backoffMs(failures, retry) * (0.9 + random() * 0.2));
    const phase: PresenceState = { state: 'failed', error, retryAtMs: clock.monotonicMs() + waitMs };
    return { ...known, phase, failures };
  }

  #change(key: string, change: (known: Presence) => Presence): void {
    const known = this.#presences.get(key);
    if (known === undefined) return;
    this.#presences.set(key, change(known));
    this.options.onChange();
  }

  #put(presence: Presence): void {
    this.#presences.set(presence.key, presence);
  }

  #forget(key: string): void {
    this.#presences.delete(key);
    this.#readyAtMs.delete(key);
    this.#running.get(key)?.abort(new Error('no assignment wants it any longer'));
  }
}

const QUEUED: PresenceState = { state: 'working', progress: null };
