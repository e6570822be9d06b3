import { backoffMs, type BackoffPolicy, type Clock } from '@corral/service-kit';
import { isEngineError } from '../engine-error.js';
import { messageOf } from '../message-of.js';
import type { Standby, StandbyOptions, StandbyState } from '../port.js';
import { describeExit } from './judge-exit.js';
import { WorkerProcess, type WorkerProgram } from './worker-process.js';

export interface StandbyLimits {
  /** A process that is not initialised after so long is ended. */
  readonly initMs: number;
  /** One that waited so long before it ended says nothing against the next. */
  readonly steadyMs: number;
  /** Wait after a process that ended by itself. */
  readonly backoff: BackoffPolicy;
}

export interface StandbyParts extends StandbyOptions {
  /** Throws an EngineError when there is no program for this device; it is not asked again. */
  readonly program: () => WorkerProgram;
  /** Awaited before the first fork; its failure is no reason not to. */
  readonly prepare: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly limits: StandbyLimits;
  /** While it says so, none is forked. */
  readonly isHeldBack: () => boolean;
}

interface Waiting {
  readonly worker: WorkerProcess;
  /** `null` while it initialises. */
  readyAtMs: number | null;
}

/** The processes that wait for a load on one device; it alone forks them, one after the other, and replaces them. */
export class DeviceStandby implements Standby {
  readonly #waiting = new Set<Waiting>();
  readonly #closing = new AbortController();
  readonly #ending = new Set<Promise<unknown>>();
  #lastError: string | null = null;
  #failures = 0;
  #isPrepared = false;
  #isBackingOff = false;
  /** There is no program for this device. */
  #isHopeless = false;

  constructor(private readonly parts: StandbyParts) {
    this.#track(this.#begin());
  }

  get state(): StandbyState {
    const all = [...this.#waiting];
    return { ready: all.filter(({ readyAtMs }) => readyAtMs !== null).length, pids: all.map(({ worker }) => worker.child.pid), lastError: this.#lastError };
  }

  /** Gives away a process, an initialised one if there is one; `null` when none waits. */
  take(): WorkerProcess | null {
    const taken = [...this.#waiting].toSorted((a, b) => (a.readyAtMs ?? Infinity) - (b.readyAtMs ?? Infinity))[0];
    if (taken === undefined) return null;
    this.#waiting.delete(taken);
    if (taken.readyAtMs !== null) this.#failures = 0;
    this.#tell();
    return taken.worker;
  }

  /** Forks what is missing, unless it is held back or waits after a failure. */
  fill(): void {
    const { workers, isHeldBack } = this.parts;
    const isInitialising = [...this.#waiting].some(({ readyAtMs }) => readyAtMs === null);
    if (!this.#isPrepared || this.#closing.signal.aborted || this.#isHopeless || this.#isBackingOff || isInitialising || this.#waiting.size >= workers || isHeldBack()) return;
    this.#fork();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const ends = [...this.#waiting].map(({ worker }) => worker.child.end(0));
    this.#waiting.clear();
    await Promise.all([...ends, ...this.#ending]);
  }

  async #begin(): Promise<void> {
    if (this.parts.workers > 0) await this.parts.prepare(this.#closing.signal).catch(() => undefined);
    this.#isPrepared = true;
    this.fill();
  }

  #fork(): void {
    const { clock, log } = this.parts;
    let worker: WorkerProcess;
    try {
      worker = new WorkerProcess(this.parts.program(), log);
    } catch (error) {
      this.#isHopeless = isEngineError(error);
      return this.#failed(messageOf(error));
    }
    const entry: Waiting = { worker, readyAtMs: null };
    this.#waiting.add(entry);
    this.#tell();
    const startedMs = clock.monotonicMs();
    const inTime = new AbortController();
    let isOverdue = false;
    const limit = clock.sleep(this.parts.limits.initMs, inTime.signal).then(
      () => {
        isOverdue = this.#waiting.has(entry);
        return isOverdue ? worker.child.end(0) : undefined;
      },
      () => undefined,
    );
    const initialised = worker.initialised
      .then(() => this.#initialised(entry, startedMs), () => undefined)
      .finally(() => inTime.abort());
    const ended = worker.child.exited.then(async (raw) => {
      await initialised;
      if (!this.#waiting.delete(entry)) return;
      if (entry.readyAtMs !== null && clock.monotonicMs() - entry.readyAtMs >= this.parts.limits.steadyMs) this.#failures = 0;
      const why = isOverdue ? `the engine process was not initialised after ${this.parts.limits.initMs} ms; look at its log lines` : await reasonOf(worker, describeExit(raw));
      this.#failed(why, entry.readyAtMs !== null);
    });
    this.#track(limit);
    void ended;
  }

  #initialised(entry: Waiting, startedMs: number): void {
    const { clock, log } = this.parts;
    if (!this.#waiting.has(entry)) return;
    entry.readyAtMs = clock.monotonicMs();
    this.#lastError = null;
    log.debug('idle engine worker ready', { pid: entry.worker.child.pid, start_ms: Math.round(entry.readyAtMs - startedMs) });
    this.#tell();
    this.fill();
  }

  /** Tries again after a wait that grows with each failure in a row. */
  #failed(why: string, wasReady = false): void {
    if (this.#closing.signal.aborted) return;
    this.#failures += 1;
    if (!wasReady) this.#lastError = why;
    this.parts.log.warn(wasReady ? 'idle engine worker ended' : 'idle engine worker did not start', { error: why, failures: this.#failures });
    this.#tell();
    if (this.#isHopeless) return;
    this.#isBackingOff = true;
    const again = this.parts.clock.sleep(backoffMs(this.#failures, this.parts.limits.backoff), this.#closing.signal).then(
      () => {
        this.#isBackingOff = false;
        this.fill();
      },
      () => undefined,
    );
    this.#track(again);
  }

  #tell(): void {
    if (!this.#closing.signal.aborted) this.parts.onChange(this.state);
  }

  #track(work: Promise<unknown>): void {
    this.#ending.add(work);
    void work.finally(() => this.#ending.delete(work));
  }
}

/** A worker that gave up said why; of one that just ended there is the exit alone. */
function reasonOf(worker: WorkerProcess, exit: string): Promise<string> {
  return worker.initialised.then(() => exit, messageOf);
}
