import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Clock } from '@corral/service-kit';
import { ProvisionError } from '../provision-error.js';
import { Interruption } from './interruption.js';
import { openTunnel } from './tunnel.js';
import type { WebLimits } from './web-limits.js';

/** One request, to one place. */
export interface Exchange {
  readonly url: URL;
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
  readonly proxy: URL | null;
  readonly signal: AbortSignal;
}

/** Connections, kept between requests where no proxy is in the way, and what may be waited for on them. */
export class Exchanges {
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });

  constructor(
    private readonly limits: Pick<WebLimits, 'connectMs' | 'idleMs'>,
    private readonly clock: Clock,
  ) {}

  /** Resolves with the beginning of the answer. Rejects with what the system says, or `Interruption` when it takes too long. */
  async send(exchange: Exchange): Promise<IncomingMessage> {
    const { url, proxy, signal } = exchange;
    const deadline = new Deadline(this.clock);
    const either = AbortSignal.any([signal, deadline.signal]);
    try {
      deadline.set(this.limits.connectMs, new Interruption(late(`${url.host} gives no connection`)));
      const tunnel = proxy === null ? null : await openTunnel(url, proxy, either);
      return await new Promise<IncomingMessage>((resolve, reject) => {
        const request = this.#open(exchange, tunnel);
        const connected = () => deadline.set(this.limits.idleMs, new Interruption(late(`${url.host} took the request and did not answer`)));
        request.once('socket', (socket) => {
          if (socket.connecting) socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
          else connected();
        });
        request.once('response', resolve).on('error', reject);
        deadline.signal.addEventListener('abort', () => request.destroy(deadline.signal.reason as Error), { once: true });
        request.end();
      });
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : error;
    } finally {
      deadline.clear();
    }
  }

  /** Ends every connection. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  #open({ url, method, headers, signal }: Exchange, tunnel: Duplex | null): ClientRequest {
    const options: RequestOptions = { method, headers, signal };
    if (tunnel === null) {
      return url.protocol === 'https:'
        ? httpsRequest(url, { ...options, agent: this.#https })
        : httpRequest(url, { ...options, agent: this.#http });
    }
    // The tunnel is encrypted already, where it has to be.
    return httpRequest({ ...options, path: `${url.pathname}${url.search}`, headers: { ...headers, host: url.host }, createConnection: () => tunnel });
  }
}

/** A limit on waiting that can be set anew. */
class Deadline {
  readonly #passed = new AbortController();
  #timer = new AbortController();

  constructor(private readonly clock: Clock) {}

  get signal(): AbortSignal {
    return this.#passed.signal;
  }

  set(ms: number, reason: Error): void {
    this.clear();
    this.#timer = new AbortController();
    void this.clock.sleep(ms, this.#timer.signal).then(
      () => this.#passed.abort(reason),
      () => undefined,
    );
  }

  clear(): void {
    this.#timer.abort();
  }
}

function late(what: string): ProvisionError {
  return new ProvisionError('UNREACHABLE', `${what}; check the network, or try again later`);
}
