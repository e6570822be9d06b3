import type { ApiResult } from '../api/api-client.js';
import { unreachable, type FailureKind } from '../api/api-failure.js';
import { NOTHING_READ, readAgain, withoutValue, type Reading } from './reading.js';

export interface PollClock {
  nowMs(): number;
  /** Runs once after `ms`; the result takes it back. */
  after(ms: number, run: () => void): () => void;
}

export interface PollOptions<T> {
  readonly everyMs: number;
  readonly clock: PollClock;
  ask(): Promise<ApiResult<T>>;
  onChange(reading: Reading<T>): void;
}

const BARRED: ReadonlySet<FailureKind> = new Set(['key_needed', 'key_refused', 'not_allowed']);

/**
 * Asks one thing again and again: the next question comes `everyMs` after the last answer, so that a slow server is never asked twice at once.
 * A refusal for want of a right key or role ends the asking until `start`: asking on would only fill the server's log and audit.
 */
export class Poll<T> {
  private current: Reading<T> = NOTHING_READ;
  private cancelNext: (() => void) | null = null;
  private running = false;
  private asking = false;
  /** Answers of an earlier start are of no use: the key may have changed since. */
  private round = 0;

  constructor(private readonly options: PollOptions<T>) {}

  get reading(): Reading<T> {
    return this.current;
  }

  /** Asks at once, and from then on. */
  start(): void {
    this.stop();
    this.running = true;
    this.round += 1;
    this.asking = false;
    void this.ask();
  }

  stop(): void {
    this.running = false;
    this.cancelNext?.();
    this.cancelNext = null;
  }

  /** Takes the numbers away, such as from a tab whose key was forgotten. */
  clear(): void {
    this.round += 1;
    this.asking = false;
    this.current = NOTHING_READ;
    this.options.onChange(this.current);
  }

  /** Asks now instead of at the end of the interval; an answer under way may be older than what the caller did, so that one is asked again. */
  askNow(): void {
    if (this.running) this.start();
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const { round } = this;
    // An answer that nothing can be made of is a failed try like any other: asking goes on.
    const result = await this.options.ask().catch((): ApiResult<T> => ({ ok: false, failure: unreachable('the answer is of another version than this page; reload it') }));
    if (round !== this.round) return;
    this.asking = false;
    const read = readAgain(this.current, result, this.options.clock.nowMs());
    const isBarred = !result.ok && BARRED.has(result.failure.kind);
    this.current = isBarred ? withoutValue(read) : read;
    this.options.onChange(this.current);
    if (isBarred) return this.stop();
    if (this.running) this.cancelNext = this.options.clock.after(this.options.everyMs, () => void this.ask());
  }
}
