import { backoffMs, messageOf } from '@corral/service-kit';
import type { BackoffPolicy, Clock, Log } from '@corral/service-kit';
import type { NodeState, RegisterRequest, WantedState } from '@corral/contracts';
import { Bell } from './bell.js';
import type { ControlPlane } from './control-plane.js';
import { detailOf, newsOf } from './node-state.js';

export interface ReporterOptions {
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly retry: BackoffPolicy;
  readonly requestMs: number;
  /** Reports on changes are at least so far apart. */
  readonly gapMs: number;
  /** Within this time free slots and progress are reported. */
  readonly detailMs: number;
  buildState(): NodeState;
  registration(state: NodeState): RegisterRequest;
  /** Where the journal is: an answer must not drop what came after the report was made. */
  journalSeq(): number;
  /** Takes over what the control plane wants. A registration without pools means one per device. */
  onAnswer(wanted: WantedState, about: { readonly isRegistration: boolean; readonly knownSeq: number }): Promise<void>;
  onRegistered(isRegistered: boolean): void;
}

/** Changes within this time are looked at together. */
const JOIN_MS = 10;

/**
 * Keeps the control plane informed: registers until it is accepted, then sends the full state when it is due and
 * at once when something changed. One report is under way at a time, and the last change is never lost. [P-12 P-13]
 */
export class Reporter {
  readonly #bell: Bell;
  #news = '';
  #detail = '';
  #isRegistered = false;
  #failures = 0;
  #incarnation: string | null = null;

  constructor(private readonly options: ReporterOptions) {
    this.#bell = new Bell(options.clock);
  }

  /** Something may have changed. Cheap; call it often. */
  readonly changed = (): void => this.#bell.ring();

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const intervalMs = await this.#register(signal);
        this.#setRegistered(true);
        await this.#report(intervalMs, signal);
      } catch (error) {
        if (!signal.aborted) await this.#pause(error, signal);
      }
      this.#setRegistered(false);
    }
  }

  async #register(signal: AbortSignal): Promise<number> {
    const { controlPlane, requestMs } = this.options;
    const knownSeq = this.options.journalSeq();
    const state = this.#take();
    const answer = await controlPlane.register(this.options.registration(state), { signal, timeoutMs: requestMs, idempotent: false });
    this.#heard(answer.orchestrator_incarnation, 'node registered');
    await this.options.onAnswer(answer, { isRegistration: true, knownSeq });
    return answer.next_heartbeat_ms;
  }

  /** Returns when the control plane does not know this node. */
  async #report(firstIntervalMs: number, signal: AbortSignal): Promise<void> {
    const { clock, controlPlane, requestMs, gapMs } = this.options;
    let intervalMs = firstIntervalMs;
    for (;;) {
      await this.#untilDue(clock.monotonicMs() + intervalMs, signal);
      const knownSeq = this.options.journalSeq();
      try {
        const answer = await controlPlane.heartbeat(this.#take(), { signal, timeoutMs: requestMs, idempotent: false });
        if (answer === 'unknown_node') return this.options.log.info('node not known to its control plane; it registers again');
        this.#heard(answer.orchestrator_incarnation, 'control plane answers again');
        intervalMs = answer.next_heartbeat_ms;
        await this.options.onAnswer(answer, { isRegistration: false, knownSeq });
        await clock.sleep(gapMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#forget();
        await this.#pause(error, signal);
      }
    }
  }

  /** Resolves when there is news, when details have waited long enough, or when the heartbeat is due. */
  async #untilDue(dueMs: number, signal: AbortSignal): Promise<void> {
    const { clock, detailMs } = this.options;
    let detailDueMs = Infinity;
    for (;;) {
      const change = this.#change();
      if (change === 'news') return;
      if (change === 'detail') detailDueMs = Math.min(detailDueMs, clock.monotonicMs() + detailMs);
      const leftMs = Math.min(dueMs, detailDueMs) - clock.monotonicMs();
      if (leftMs <= 0) return;
      await this.#bell.wait(leftMs, signal);
      await clock.sleep(JOIN_MS, signal);
    }
  }

  #change(): 'news' | 'detail' | null {
    const state = this.options.buildState();
    if (newsOf(state) !== this.#news) return 'news';
    return detailOf(state) === this.#detail ? null : 'detail';
  }

  /** The state that goes out now; what it says counts as told. */
  #take(): NodeState {
    const state = this.options.buildState();
    this.#news = newsOf(state);
    this.#detail = detailOf(state);
    return state;
  }

  /** What was sent last may not have arrived. */
  #forget(): void {
    this.#news = '';
  }

  #heard(incarnation: string, message: string): void {
    if (this.#failures > 0 || this.#incarnation !== incarnation) this.options.log.info(message, { failures: this.#failures, orchestrator_incarnation: incarnation });
    this.#failures = 0;
    this.#incarnation = incarnation;
  }

  #setRegistered(isRegistered: boolean): void {
    if (this.#isRegistered === isRegistered) return;
    this.#isRegistered = isRegistered;
    this.options.onRegistered(isRegistered);
  }

  async #pause(error: unknown, signal: AbortSignal): Promise<void> {
    const { log, retry, random, clock } = this.options;
    this.#failures += 1;
    const waitMs = Math.round(backoffMs(this.#failures, retry) * (0.5 + random() * 0.5));
    const fields = { last_error: messageOf(error), backoff_ms: waitMs, failures: this.#failures };
    // The first failure is news; the rest repeats it.
    if (this.#failures === 1) log.warn('control plane not reached', fields);
    else log.debug('control plane not reached', fields);
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}
