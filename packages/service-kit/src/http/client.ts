import { isApiError } from '@corral/contracts';
import { Pool, type Dispatcher } from 'undici';
import { retrying, type RetryPolicy } from '../backoff.js';
import { systemClock, type Clock } from '../clock.js';
import { currentCorrelation } from '../log/correlation.js';
import { answerError, UnexpectedAnswer } from './answer-error.js';
import { ConnectionError, connectionError, isConnectionError } from './connection-error.js';
import { CORRELATION_HEADER } from './correlation-header.js';

/** PEM texts for mutual TLS. [P-36] */
export interface ClientTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface HttpClientOptions {
  /** Such as `http://127.0.0.1:9200`; a path in it comes before every path asked for. */
  readonly baseUrl?: string;
  /** A unix socket instead. */
  readonly socketPath?: string;
  readonly token?: string | undefined;
  readonly connectTimeoutMs?: number;
  /** Per attempt, for whole answers; streams through `pool` have none. */
  readonly requestTimeoutMs?: number;
  /** Connections at once, streams included; more requests wait. */
  readonly connections?: number;
  readonly maxAnswerBytes?: number;
  readonly tls?: ClientTls | undefined;
  readonly clock?: Clock;
  readonly random?: () => number;
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Whether doing it twice does no harm; GET, HEAD, PUT and DELETE are so by themselves. [P-19] */
  readonly idempotent?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; `undefined` when the answer has no body. */
  readonly body: unknown;
}

export interface HttpClient {
  /** The parsed body of a 2xx answer. Rejects as {@link HttpClient.exchange} does. */
  json<T>(method: Dispatcher.HttpMethod, path: string, body?: unknown, options?: RequestOptions): Promise<T>;
  /**
   * Rejects with the peer's ApiError, an UnexpectedAnswer, a ConnectionError, or the signal's reason. Only
   * connection problems and answers of proxies are tried again, and only for idempotent calls.
   */
  exchange(method: Dispatcher.HttpMethod, path: string, body?: unknown, options?: RequestOptions): Promise<Answer>;
  /** For relays. */
  readonly pool: Pool;
  /** `host:port` or the socket's path, for messages. */
  readonly peer: string;
  /** Headers that every request to this peer carries: the token and the current correlation id. */
  headers(): Record<string, string>;
  /** Cuts what is under way. */
  close(): Promise<void>;
}

const RETRIES: RetryPolicy = { attempts: 4, initialMs: 100, maxMs: 2_000 };
const PROXY_FAILURES = new Set([502, 503, 504]);
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/** A client of one peer. Opens connections as they are needed. [P-19] */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { clock = systemClock, random = Math.random, requestTimeoutMs = 30_000, maxAnswerBytes = 64 * 1_048_576 } = options;
  const base = new URL(options.baseUrl ?? 'http://localhost');
  const prefix = base.pathname.replace(/\/$/, '');
  const peer = options.socketPath ?? base.host;
  const pool = openPool(base, options);

  const headers = (): Record<string, string> => {
    const correlationId = currentCorrelation();
    return {
      accept: 'application/json',
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(correlationId === undefined ? {} : { [CORRELATION_HEADER.toLowerCase()]: correlationId }),
    };
  };
  const attempt = async (request: Dispatcher.RequestOptions, timeoutMs: number, signal: AbortSignal | undefined): Promise<Answer> => {
    const limit = limited(clock, timeoutMs, signal, peer);
    try {
      const answer = await pool.request({ ...request, signal: limit.signal, headersTimeout: 0, bodyTimeout: 0 });
      return await readAnswer(peer, answer, maxAnswerBytes);
    } catch (error) {
      if (limit.signal.aborted) throw limit.signal.reason;
      if (error instanceof UnexpectedAnswer || isApiError(error)) throw error;
      throw connectionError(peer, error);
    } finally {
      limit.end();
    }
  };
  const exchange: HttpClient['exchange'] = (
    method,
    path,
    body,
    { signal, headers: extra, timeoutMs = requestTimeoutMs, idempotent = IDEMPOTENT.has(method) } = {},
  ) => {
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = {
      method,
      path: `${prefix}${path}`,
      headers: { ...headers(), ...content, ...extra },
      body: body === undefined ? null : JSON.stringify(body),
    };
    const isRetriable = (error: unknown) => idempotent && signal?.aborted !== true && isPassing(error);
    return retrying(() => attempt(request, timeoutMs, signal), RETRIES, { clock, random, signal, isRetriable });
  };
  return {
    exchange,
    json: async <T>(...args: Parameters<HttpClient['exchange']>) => (await exchange(...args)).body as T,
    pool,
    peer,
    headers,
    close: () => pool.destroy(),
  };
}

function openPool(base: URL, { socketPath, connectTimeoutMs = 5_000, connections = 1_024, tls }: HttpClientOptions): Pool {
  return new Pool(base.origin, {
    connections,
    pipelining: 1,
    connect: { timeout: connectTimeoutMs, ...(socketPath === undefined ? {} : { socketPath }), ...tls },
  });
}

/** One signal for the caller's wish and the time limit. */
function limited(clock: Clock, timeoutMs: number, outer: AbortSignal | undefined, peer: string) {
  const inner = new AbortController();
  const ended = new AbortController();
  const onAbort = (): void => inner.abort(outer?.reason);
  if (outer?.aborted === true) onAbort();
  outer?.addEventListener('abort', onAbort, { once: true });
  clock.sleep(timeoutMs, ended.signal).then(
    () => inner.abort(new ConnectionError({ peer, causeCode: 'REQUEST_TIMEOUT', reached: true }, undefined)),
    () => {},
  );
  const end = (): void => {
    ended.abort();
    outer?.removeEventListener('abort', onAbort);
  };
  return { signal: inner.signal, end };
}

async function readAnswer(peer: string, answer: Dispatcher.ResponseData, maxBytes: number): Promise<Answer> {
  const text = await readText(peer, answer, maxBytes);
  const { statusCode: status, headers } = answer;
  if (status < 200 || status > 299) throw answerError(peer, status, text);
  if (text === '') return { status, headers, body: undefined };
  try {
    return { status, headers, body: JSON.parse(text) };
  } catch {
    throw new UnexpectedAnswer(peer, status, text);
  }
}

async function readText(peer: string, { body, statusCode }: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new UnexpectedAnswer(peer, statusCode, `more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

/** Worth another try: the peer was not there, or a proxy said so for it. A refusal of the peer itself is an answer. */
function isPassing(error: unknown): boolean {
  return isConnectionError(error) || (error instanceof UnexpectedAnswer && PROXY_FAILURES.has(error.status));
}
