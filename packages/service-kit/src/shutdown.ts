import { systemClock, type Clock } from './clock.js';
import type { Log } from './log/log.js';

type Closer = () => Promise<void> | void;

/** What a daemon must close, last opened first. */
export class Shutdown {
  readonly #closers: { readonly name: string; readonly close: Closer }[] = [];
  #running: Promise<void> | undefined;

  constructor(
    private readonly log: Log,
    private readonly clock: Clock = systemClock,
    /** How long one closer may take before the next is begun. */
    private readonly perCloserMs = 5_000,
  ) {}

  add(name: string, close: Closer): void {
    this.#closers.push({ name, close });
  }

  /** Closes everything once; a closer that fails or hangs is logged and does not keep the others from closing. */
  run(): Promise<void> {
    return (this.#running ??= this.#closeAll());
  }

  async #closeAll(): Promise<void> {
    for (const { name, close } of this.#closers.toReversed()) {
      const finished = new AbortController();
      const limit = this.clock.sleep(this.perCloserMs, finished.signal).then(
        () => this.log.warn('closing takes too long', { part: name, waited_ms: this.perCloserMs }),
        () => {},
      );
      const closing = Promise.resolve()
        .then(close)
        .catch((error: unknown) => this.log.warn('closing failed', { part: name, error }));
      await Promise.race([closing, limit]);
      finished.abort();
    }
  }
}

const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface UntilSignal {
  readonly shutdown: Shutdown;
  readonly log: Log;
  /** Ends the daemon from inside: aborted with the exit code, or with an Error for 1. */
  readonly stop?: AbortSignal;
  /** Called by a second signal, with the exit code. */
  readonly exit?: (code: number) => void;
}

/**
 * Resolves with the exit code when everything is closed: 130 and 143 after SIGINT and SIGTERM, 1 after an error
 * that nobody caught, the reason of `stop` where that is a number. A second signal exits at once.
 * Handles signals from the moment of the call. [P-64]
 */
export async function runUntilSignal({ shutdown, log, stop, exit = process.exit }: UntilSignal): Promise<number> {
  let code: number | undefined;
  const handlers = new Map<string, (...args: unknown[]) => void>();
  const ended = new Promise<number>((resolve) => {
    const end = (next: number, cause: string): void => {
      if (code !== undefined) return;
      code = next;
      log.info('stopping', { cause });
      resolve(next);
    };
    for (const [signal, signalCode] of Object.entries(SIGNAL_CODES)) {
      handlers.set(signal, () => (code === undefined ? end(signalCode, signal) : exit(code)));
    }
    const crashed = (error: unknown): void => {
      log.error('unexpected error; the daemon ends', { error });
      end(1, 'error');
    };
    handlers.set('uncaughtException', crashed).set('unhandledRejection', crashed);
    const stopped = (): void => end(typeof stop?.reason === 'number' ? stop.reason : 1, 'stop');
    if (stop?.aborted === true) stopped();
    stop?.addEventListener('abort', stopped, { once: true });
    for (const [event, handler] of handlers) process.on(event, handler);
  });
  const result = await ended;
  await shutdown.run();
  for (const [event, handler] of handlers) process.off(event, handler);
  return result;
}
