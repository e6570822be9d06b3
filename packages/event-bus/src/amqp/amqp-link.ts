import { backoffMs, type Clock, type Log } from '@corral/service-kit';
import { connect, type ChannelModel } from 'amqplib';
import { nameOfHost, type AmqpHost } from './amqp-hosts.js';

export interface AmqpLinkOptions<S> {
  /** Tried in turn. */
  readonly hosts: readonly AmqpHost[];
  /** As the broker shows it. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Gives [0, 1): spreads clients that lost the same broker. */
  readonly random: () => number;
  /** Makes everything that lives on this connection; run again on the next one. `end` gives the connection up. */
  open(connection: ChannelModel, end: (reason: string) => void): Promise<S>;
  /** A session was opened. */
  onUp?(): void;
}

const CONNECT_MS = 3_000;
const OPEN_MS = 10_000;
const CLOSE_MS = 1_000;
const HEARTBEAT_S = 5;
const RETRY = { initialMs: 100, maxMs: 5_000 };

/**
 * Keeps one connection to one of several brokers, for as long as it takes. What was made on a connection dies with
 * it: channels are made anew on the next one and kept nowhere else, and whatever ends a channel ends the connection,
 * so that nothing is left half alive. [E-33 E-34]
 */
export class AmqpLink<S> {
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #session: S | null = null;
  #problem: string | null = 'not connected yet';
  #blocked: string | null = null;
  #failures = 0;

  constructor(private readonly options: AmqpLinkOptions<S>) {}

  start(): void {
    this.#running = this.#run();
  }

  /** What `open` made on the connection that is up; `null` while none is. */
  get session(): S | null {
    return this.#session;
  }

  /** Why nothing can be sent; `null` when it can. */
  get problem(): string | null {
    return this.#session === null ? this.#problem : this.#blocked;
  }

  async close(): Promise<void> {
    this.#stopped.abort(new Error('the event bus is closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { hosts, clock, random } = this.options;
    for (let n = 0; !this.#stopped.signal.aborted; n += 1) {
      const host = hosts[n % hosts.length];
      if (host === undefined) return;
      await this.#serve(host);
      // Every host is tried once before the wait grows.
      const waitMs = backoffMs(Math.ceil(this.#failures / hosts.length), RETRY) * (0.5 + random() * 0.5);
      await clock.sleep(waitMs, this.#stopped.signal).catch(() => undefined);
    }
  }

  /** Resolves when the connection could not be made, or is over. */
  async #serve(host: AmqpHost): Promise<void> {
    const connection = await this.#connect(host);
    if (connection === null) return;
    const ended = this.#endOf(connection);
    try {
      const session = await this.#inTime(this.options.open(connection, (reason) => ended.end(reason)), ended.promise);
      this.#session = session;
      this.#failures = 0;
      this.options.log.info('broker connected', { broker: nameOfHost(host), connection: this.options.name });
      this.options.onUp?.();
      const reason = await ended.promise;
      this.#session = null;
      this.#failed(host, reason);
    } catch (error) {
      const reason = messageOf(error);
      ended.end(reason);
      this.#failed(host, reason);
      await ended.promise;
    }
    this.#blocked = null;
  }

  async #connect(host: AmqpHost): Promise<ChannelModel | null> {
    const { protocol, hostname, port, username, password, vhost } = host;
    const made = connect(
      { protocol, hostname, port, username, password, vhost: encodeURIComponent(vhost), heartbeat: HEARTBEAT_S },
      { noDelay: true, timeout: CONNECT_MS, clientProperties: { connection_name: this.options.name } },
    );
    const over = new AbortController();
    try {
      return await Promise.race([made, aborted(this.#stopped.signal, over.signal)]);
    } catch (error) {
      made.then(shut, () => undefined);
      this.#failed(host, messageOf(error));
      return null;
    } finally {
      over.abort();
    }
  }

  /** Watches a connection until it is closed, by whomever. */
  #endOf(connection: ChannelModel): { readonly promise: Promise<string>; end(reason: string): void } {
    let why: string | null = null;
    const end = (reason: string): void => {
      why ??= reason;
      void shut(connection);
    };
    const promise = new Promise<string>((resolve) => {
      connection.on('error', (error) => (why ??= error.message));
      connection.on('handler-error', (error, event) => this.options.log.error('handler of the broker failed', { error, event }));
      connection.on('blocked', (reason) => (this.#blocked = `the broker blocks publishers (${reason}); free its memory or disk`));
      connection.on('unblocked', () => (this.#blocked = null));
      connection.on('close', (error) => resolve(why ?? error?.message ?? 'the connection was closed'));
    });
    const onStop = (): void => end('the event bus is closed');
    this.#stopped.signal.addEventListener('abort', onStop, { once: true });
    void promise.then(() => this.#stopped.signal.removeEventListener('abort', onStop));
    if (this.#stopped.signal.aborted) onStop();
    return { promise, end };
  }

  async #inTime<T>(work: Promise<T>, ended: Promise<string>): Promise<T> {
    const over = new AbortController();
    const late = this.options.clock.sleep(OPEN_MS, over.signal).then(
      () => Promise.reject(new Error(`the broker did not set up its queues within ${OPEN_MS} ms; look at rabbitmqctl list_queues name state, bring its cluster together, or delete a queue that has no leader`)),
      () => new Promise<never>(() => undefined),
    );
    const lost = ended.then((reason) => Promise.reject(new Error(reason)));
    // Who loses the race must not become an unhandled rejection.
    for (const one of [work, lost, late]) one.catch(() => undefined);
    try {
      return await Promise.race([work, lost, late]);
    } finally {
      over.abort();
    }
  }

  #failed(host: AmqpHost, reason: string): void {
    this.#problem = `${nameOfHost(host)}: ${reason}`;
    this.#failures += 1;
    if (this.#stopped.signal.aborted) return;
    const fields = { broker: nameOfHost(host), connection: this.options.name, last_error: reason, failures: this.#failures };
    // The first failure is news; the rest repeats it.
    if (this.#failures === 1) this.options.log.warn('broker not connected', fields);
    else this.options.log.debug('broker not connected', fields);
  }
}

/** Ends a connection, with or without an answer from its broker. */
async function shut(connection: ChannelModel): Promise<void> {
  const cut = setTimeout(() => (connection.connection as { readonly stream?: { destroy?(error: Error): void } }).stream?.destroy?.(new Error('the broker did not answer')), CLOSE_MS);
  // It rejects where the connection is closed already.
  await connection.close().catch(() => undefined);
  clearTimeout(cut);
}

/** Rejects when the signal aborts, unless that is no longer waited for. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over });
  });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A refused connection to several addresses has no message of its own.
  return error.message !== '' ? error.message : ((error as NodeJS.ErrnoException).code ?? error.name);
}
