import { backoffMs, type Clock } from '@corral/service-kit';
import { describeEnd, launchDaemon, type DaemonProcess, type Launch, type Listening } from './daemon-process.js';
import type { DaemonName, UpTimes } from './up-request.js';

export interface SupervisionListener {
  /** A process was forked. */
  onFork(name: DaemonName, pid: number): void;
  /** It ended by itself and is started again after `waitMs`. */
  onDown(name: DaemonName, how: string, waitMs: number): void;
  /** It listens again. */
  onBack(name: DaemonName, listening: Listening): void;
  onLine(name: DaemonName, line: string): void;
}

export interface Supervision {
  readonly clock: Clock;
  readonly times: UpTimes;
  readonly listener: SupervisionListener;
}

export interface LaunchPlan extends Pick<Launch, 'name' | 'program' | 'args'> {
  /** Its environment; `url` is where it listened the first time, so that it keeps its port. */
  readonly envAt: (url: string | undefined) => Launch['env'];
}

/** Keeps one daemon running: what ends is started again, later and later while it keeps ending. */
export class SupervisedDaemon {
  readonly #plan: LaunchPlan;
  readonly #clock: Clock;
  readonly #times: UpTimes;
  readonly #listener: SupervisionListener;
  readonly #stopping = new AbortController();
  #process: DaemonProcess | undefined;
  #url: string | undefined;
  #keeping: Promise<void> = Promise.resolve();

  constructor(plan: LaunchPlan, { clock, times, listener }: Supervision) {
    this.#plan = plan;
    this.#clock = clock;
    this.#times = times;
    this.#listener = listener;
  }

  /** Rejects when the first process does not come to listen; then nothing is tried again. */
  async start(): Promise<Listening> {
    const process = this.#launch();
    const listening = await process.listening;
    this.#url = listening.url;
    this.#keeping = this.#keep(process);
    return listening;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.signal(name);
  }

  /** Resolves when it is gone for good; `withinMs` is its time to leave by itself. */
  async stop(withinMs = this.#times.stopWithinMs): Promise<void> {
    this.#stopping.abort();
    await this.#process?.terminate(withinMs);
    await this.#keeping;
  }

  async #keep(first: DaemonProcess): Promise<void> {
    let process = first;
    for (let failures = 0; ;) {
      const ranMs = await this.#ran(process);
      if (this.#stopping.signal.aborted) return;
      failures = ranMs >= this.#times.stableMs ? 1 : failures + 1;
      const waitMs = backoffMs(failures, { initialMs: this.#times.restartFirstMs, maxMs: this.#times.restartLastMs });
      this.#listener.onDown(this.#plan.name, describeEnd(await process.ended), waitMs);
      await this.#clock.sleep(waitMs, this.#stopping.signal).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      process = this.#launch();
      process.listening.then(
        (listening) => this.#listener.onBack(this.#plan.name, listening),
        () => {},
      );
    }
  }

  /** Milliseconds from listening to the end; 0 for a process that never listened. */
  async #ran(process: DaemonProcess): Promise<number> {
    const sinceMs = await process.listening.then(
      () => this.#clock.monotonicMs(),
      () => undefined,
    );
    await process.ended;
    return sinceMs === undefined ? 0 : this.#clock.monotonicMs() - sinceMs;
  }

  #launch(): DaemonProcess {
    const { name, program, args, envAt } = this.#plan;
    const onLine = (line: string): void => this.#listener.onLine(name, line);
    const process = launchDaemon({ name, program, args, env: envAt(this.#url), listenWithinMs: this.#times.listenWithinMs, onLine });
    this.#process = process;
    this.#listener.onFork(name, process.pid);
    return process;
  }
}
