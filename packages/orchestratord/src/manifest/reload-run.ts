import { messageOf } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import type { ReloadFaults, ReloadMoment } from './reload-faults.js';
import { ReloadError, reloadErrorOf } from './reload-error.js';
import type { ReloadDone, ReloadStep } from './reloads.js';

/** One reload under way: which step it is at, how long each took, and how everything that was done is taken back. */
export class ReloadRun {
  readonly #wayBack: (() => void | Promise<void>)[] = [];
  readonly #steps: { step: ReloadStep; startedMs: number; endedMs: number | null }[] = [];
  readonly notes: string[] = [];

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly faults: ReloadFaults,
    readonly correlationId: string,
  ) {}

  /** The step that the reload is at, or ended with. */
  get at(): ReloadStep {
    return this.#steps.at(-1)?.step ?? 'open';
  }

  /** Milliseconds of each step that was begun. */
  steps(): ReloadDone['steps'] {
    const nowMs = this.clock.monotonicMs();
    return this.#steps.map(({ step, startedMs, endedMs }) => ({ step, durationMs: Math.round((endedMs ?? nowMs) - startedMs) }));
  }

  async step<T>(step: ReloadStep, work: () => Promise<T> | T): Promise<T> {
    const entry: { step: ReloadStep; startedMs: number; endedMs: number | null } = { step, startedMs: this.clock.monotonicMs(), endedMs: null };
    this.#steps.push(entry);
    await this.reach(`before ${step}`);
    const result = await work();
    await this.reach(`after ${step}`);
    entry.endedMs = this.clock.monotonicMs();
    return result;
  }

  /** A place where a test may let the reload fail. */
  reach(moment: ReloadMoment): void | Promise<void> {
    return this.faults.at(moment);
  }

  /** How what was just done is taken back, should a later step fail. */
  orElse(undo: () => void | Promise<void>): void {
    this.#wayBack.push(undo);
  }

  /** Nothing is taken back from here on. */
  keep(): void {
    this.#wayBack.length = 0;
  }

  /** Takes everything back, the last thing first; returns why the reload failed, and says where something could not be. */
  async takeBack(cause: unknown): Promise<ReloadError> {
    const error = reloadErrorOf(cause);
    const failures: string[] = [];
    const attempt = async (work: () => void | Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (failure) {
        failures.push(messageOf(failure));
      }
    };
    await attempt(() => this.reach('before rollback'));
    for (let undo = this.#wayBack.pop(); undo !== undefined; undo = this.#wayBack.pop()) await attempt(undo);
    if (failures.length === 0) return error;
    return new ReloadError('rollback_failed', `${error.message}; and it could not be taken back whole (${failures.join('; ')}); restart orchestratord, which serves one manifest as a whole`, error.problems);
  }
}
