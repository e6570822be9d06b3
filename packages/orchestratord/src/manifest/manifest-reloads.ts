import { summaryOf } from '@corral/orchestrator-core';
import { SerialQueue, type Clock, type Log } from '@corral/service-kit';
import type { BindingRegistry } from './binding-registry.js';
import { reloadErrorOf } from './reload-error.js';
import { NO_FAULTS, type ReloadFaults } from './reload-faults.js';
import { ReloadRun } from './reload-run.js';
import type { ReloadSequence } from './reload-sequence.js';
import type { BindingStatus, ManifestReloads, ReloadOutcome, ReloadRequest } from './reloads.js';

export interface ServedReloadsParts {
  readonly sequence: Pick<ReloadSequence, 'carryOut'>;
  readonly bindings: BindingRegistry;
  readonly clock: Clock;
  readonly log: Log;
  /** None in production. */
  readonly faults?: ReloadFaults;
}

const HISTORY_MAX = 50;
/** Reloads that may wait for the one under way. */
const WAITING_MAX = 100;

/** Reloads one after the other, each with its outcome. [F-19] */
export class ServedReloads implements ManifestReloads {
  readonly #queue = new SerialQueue(WAITING_MAX);
  readonly #listeners = new Set<(outcome: ReloadOutcome) => void>();
  #history: readonly ReloadOutcome[] = [];

  constructor(private readonly parts: ServedReloadsParts) {}

  async reload(request: ReloadRequest): Promise<ReloadOutcome> {
    const outcome = await this.#queue.run(() => this.#run(request)).catch((error: unknown) => this.#refused(request, error));
    this.#history = [outcome, ...this.#history].slice(0, HISTORY_MAX);
    for (const listener of [...this.#listeners]) listener(outcome);
    return outcome;
  }

  bindings(): readonly BindingStatus[] {
    return this.parts.bindings.statuses();
  }

  history(): readonly ReloadOutcome[] {
    return this.#history;
  }

  onOutcome(listener: (outcome: ReloadOutcome) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when no reload is under way. */
  async close(): Promise<void> {
    await this.#queue.idle();
    this.#listeners.clear();
  }

  async #run({ source, path, correlationId }: ReloadRequest): Promise<ReloadOutcome> {
    const { sequence, clock, log, faults = NO_FAULTS } = this.parts;
    const startedMs = clock.monotonicMs();
    const run = new ReloadRun(clock, faults, correlationId);
    const facts = () => ({ source, correlationId, at: clock.nowMs(), durationMs: Math.round(clock.monotonicMs() - startedMs), steps: run.steps() });
    try {
      const { manifest, previous, plan } = await sequence.carryOut(run, path);
      return { kind: 'ok', ...facts(), summary: summaryOf(plan), manifestHash: manifest.hash, previousHash: previous.hash, notes: run.notes };
    } catch (cause) {
      const step = run.at;
      const error = await run.takeBack(cause);
      if (error.errorKind !== 'validation') log.warn('manifest reload taken back', { step, source, correlation_id: correlationId, error: cause });
      return { kind: 'error', ...facts(), error: error.message, errorKind: error.errorKind, step, problems: error.problems };
    }
  }

  #refused({ source, correlationId }: ReloadRequest, cause: unknown): ReloadOutcome {
    const error = reloadErrorOf(cause);
    return { kind: 'error', source, correlationId, at: this.parts.clock.nowMs(), durationMs: 0, steps: [], error: error.message, errorKind: error.errorKind, step: 'open', problems: [] };
  }
}
