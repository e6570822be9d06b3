import type { Clock, Log } from '@corral/service-kit';
import { EngineError, type EngineErrorKind } from '../engine-error.js';
import type { WorkerMessage } from './child-message.js';
import { forkChild, type Child } from './fork-child.js';
import { describeExit, exitReason } from './judge-exit.js';

/** How long a worker that gave up may take to leave. */
const FAREWELL_MS = 1_000;

/** The program of an engine worker. It speaks the messages of `child-message.ts` and serves its socket. */
export interface WorkerProgram {
  readonly entry: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Called when a process of it ended by itself before it could take a load: the next program is another one. */
  readonly distrust?: () => void;
}

/** One process of an engine worker, from its fork on. */
export class WorkerProcess {
  readonly child: Child;
  /** Settles when it can take a load; rejects with an EngineError when it never will, once it is gone. */
  readonly initialised: Promise<void>;

  constructor(program: WorkerProgram, log: Log) {
    this.child = forkChild({ ...program, log });
    this.initialised = this.hear(
      (message) => (message.type === 'idle' ? true : undefined),
      () => 'worker_failed',
    ).then(() => undefined);
    // Whoever waits for it sees the fault; one that nobody waits for is seen by its end.
    this.initialised.catch(() => this.child.wasEnded || program.distrust?.());
  }

  /**
   * Waits for the message that `read` makes an answer of.
   *
   * A worker that gives up rejects in its own words, one that ends with how it ended and `kindOfDeath`.
   */
  hear<Answer>(read: (message: WorkerMessage) => Answer | undefined, kindOfDeath: () => EngineErrorKind): Promise<Answer> {
    const { child } = this;
    let gaveUp = false;
    return new Promise((resolve, reject) => {
      void child.exited.then((raw) => gaveUp || reject(new EngineError(kindOfDeath(), describeExit(raw), raw.lastWords, { exit: exitReason(raw) })));
      child.listen((received) => {
        const message = received as WorkerMessage;
        if (message.type === 'fatal') return void rejectWithLastWords(message.kind, message.message);
        const answer = read(message);
        if (answer !== undefined) resolve(answer);
      });

      async function rejectWithLastWords(kind: EngineErrorKind, text: string): Promise<void> {
        gaveUp = true;
        await child.end(FAREWELL_MS);
        const { lastWords } = await child.exited;
        reject(new EngineError(kind, text, lastWords));
      }
    });
  }
}
