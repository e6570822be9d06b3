import type { IncomingMessage } from 'node:http';
import type { Clock } from '@corral/service-kit';
import { isProvisionError, ProvisionError } from '../provision-error.js';
import { Exchanges } from './exchange.js';
import { explainNetwork } from './explain-network.js';
import type { Header } from './file-facts.js';
import { Interruption } from './interruption.js';
import { nextUrl } from './next-url.js';
import { proxiesOf } from './proxy-for.js';
import type { WebLimits } from './web-limits.js';

/** One GET or HEAD. */
export interface WebRequest {
  readonly url: URL;
  readonly method: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Value of the Authorization header; it goes to the origin of `url` and nowhere else. */
  readonly authorization: string | null;
  readonly signal: AbortSignal;
  /** Whether a redirect is itself the answer that is wanted. */
  readonly isAnswer?: (status: number, header: Header) => boolean;
}

/** An answer whose body has not been read; whoever gets it reads or destroys it. */
export interface WebAnswer {
  readonly status: number;
  readonly header: Header;
  readonly body: IncomingMessage;
  /** Where it came from, after redirects. */
  readonly url: URL;
}

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** HTTP as the user's environment wants it: through its proxies, and with redirects that keep secrets where they belong. [D-52 D-56 D-59] */
export class WebClient {
  readonly #exchanges: Exchanges;
  readonly #proxyFor: (url: URL) => URL | null;

  constructor(env: NodeJS.ProcessEnv, limits: Pick<WebLimits, 'connectMs' | 'idleMs'>, clock: Clock) {
    this.#exchanges = new Exchanges(limits, clock);
    this.#proxyFor = proxiesOf(env);
  }

  /** Sends and follows redirects. Throws `Interruption`, `ProvisionError`, or the signal's reason. */
  async send(first: WebRequest): Promise<WebAnswer> {
    const visited = new Set<string>();
    for (let url = first.url; ; ) {
      if (visited.has(url.href) || visited.size > MAX_REDIRECTS) {
        const how = visited.has(url.href) ? 'in a circle' : `more than ${MAX_REDIRECTS} times`;
        throw new ProvisionError('FETCH_FAILED', `${first.url.host} redirects ${how}; correct the address`);
      }
      visited.add(url.href);
      const answer = await this.#once(first, url);
      if (!REDIRECTS.has(answer.status) || first.isAnswer?.(answer.status, answer.header) === true) return answer;
      discard(answer);
      url = nextUrl(url, answer.header('location'));
    }
  }

  /** Ends every connection at once. */
  close(): void {
    this.#exchanges.close();
  }

  async #once({ method, headers, authorization, signal, url: firstUrl }: WebRequest, url: URL): Promise<WebAnswer> {
    const proxy = this.#proxyFor(url);
    try {
      const body = await this.#exchanges.send({
        url,
        method,
        headers: {
          'user-agent': 'corral',
          'accept-encoding': 'identity',
          ...headers,
          ...(authorization !== null && url.origin === firstUrl.origin ? { authorization } : {}),
        },
        proxy,
        signal,
      });
      // A body that nobody reads any longer may still fail.
      body.on('error', () => undefined);
      const header: Header = (name) => {
        const value = body.headers[name];
        return (Array.isArray(value) ? value[0] : value) ?? null;
      };
      return { status: body.statusCode ?? 0, header, body, url };
    } catch (error) {
      signal.throwIfAborted();
      throw isProvisionError(error) || error instanceof Interruption ? error : explainNetwork(error, url.host, proxy?.host ?? null);
    }
  }
}

/** Ends an answer without reading it. */
export function discard({ body }: Pick<WebAnswer, 'body'>): void {
  body.destroy();
}
