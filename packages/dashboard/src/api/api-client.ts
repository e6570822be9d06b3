import { refusal, unreachable, type ApiFailure } from './api-failure.js';

export type ApiResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: ApiFailure };

export interface ApiClientPorts {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** The key to send; null sends none. */
  readonly key: () => string | null;
}

/** What came, with the version that a change of it names. [U-30] */
export interface Versioned<T> {
  readonly value: T;
  /** null where the server named none: then a change is of whatever is there. */
  readonly etag: string | null;
}

export interface SendOptions {
  readonly body?: object;
  /** The version that the change is of; left out or null where any will do. [U-30] */
  readonly ifMatch?: string | null;
  readonly timeoutMs?: number;
}

/** A server on the same machine answers in milliseconds; one that takes longer is better asked again. */
const TIMEOUT_MS = 10_000;

/** Calls of the page's own server. Every failure is a value: a page has nobody to throw at. [U-06] */
export class ApiClient {
  constructor(private readonly ports: ApiClientPorts) {}

  get<T>(path: string): Promise<ApiResult<T>> {
    return this.call('GET', path, {}, async (response) => (await response.json()) as T);
  }

  versioned<T>(path: string): Promise<ApiResult<Versioned<T>>> {
    return this.call('GET', path, {}, async (response) => ({ value: (await response.json()) as T, etag: response.headers.get('etag') }));
  }

  text(path: string): Promise<ApiResult<string>> {
    return this.call('GET', path, {}, (response) => response.text());
  }

  /** Sends no body where `body` is left out. An empty answer is null. */
  post<T>(path: string, body?: object): Promise<ApiResult<T | null>> {
    return this.send<T>('POST', path, { ...(body === undefined ? {} : { body }) });
  }

  /** As `post`, by any method, and with as much patience as the call is known to need. */
  send<T>(method: string, path: string, options: SendOptions = {}): Promise<ApiResult<T | null>> {
    return this.call(method, path, options, async (response) => {
      const text = await response.text();
      return text === '' ? null : (JSON.parse(text) as T);
    });
  }

  private async call<T>(method: string, path: string, options: SendOptions, read: (response: Response) => Promise<T>): Promise<ApiResult<T>> {
    const { body, ifMatch = null, timeoutMs = TIMEOUT_MS } = options;
    const key = this.ports.key();
    const headers = {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(ifMatch === null ? {} : { 'if-match': ifMatch }),
    };
    try {
      const response = await this.ports.fetch(path, {
        method,
        headers,
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.ok) return { ok: true, value: await read(response) };
      const said: unknown = await response.json().catch(() => null);
      return { ok: false, failure: refusal(response.status, said, response.headers.get('x-correlation-id')) };
    } catch (error) {
      return { ok: false, failure: unreachable(problemOf(error, timeoutMs)) };
    }
  }
}

function problemOf(error: unknown, timeoutMs: number): string {
  const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined;
  if (name === 'TimeoutError') return `orchestratord did not answer within ${timeoutMs / 1_000} s`;
  if (name === 'SyntaxError') return 'what answered is not orchestratord';
  return 'orchestratord cannot be reached';
}
