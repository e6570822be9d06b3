import { describeProblems, Ready, validator, type Frame, type Validator } from '@corral/contracts';
import { answerError, CORRELATION_HEADER, createHttpClient, newId, readSse, type HttpClient, type SseEvent } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { failedCall } from './failed-call.js';
import { decodeFrame } from './decode-frame.js';

export interface Server {
  readonly url: string;
  readonly token: string | undefined;
}

/** Whether a pool may receive work, and why none may. */
export interface Readiness {
  readonly ready: boolean;
  readonly reason: string | null;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
}

const READY_TIMEOUT_MS = 10_000;
const checkReady = validator(Ready);

/** The calls of one server, with every failure as a {@link CliFailure}. Close it, or the process stays. */
export interface CorralClient {
  readonly url: string;
  /** The body of a 2xx answer, checked. */
  get<T>(path: string, check: Validator<T>, options?: CallOptions): Promise<T>;
  post<T>(path: string, body: unknown, check: Validator<T>, options?: CallOptions): Promise<T>;
  patch<T>(path: string, body: unknown, check: Validator<T>, options?: CallOptions): Promise<T>;
  put<T>(path: string, body: unknown, check: Validator<T>, options?: CallOptions): Promise<T>;
  /** A call whose answer has no body that matters. */
  postBare(path: string, options?: CallOptions): Promise<void>;
  delete<T>(path: string, check: Validator<T>, options?: CallOptions): Promise<T>;
  /** As {@link CorralClient.postBare}, with DELETE. */
  remove(path: string, options?: CallOptions): Promise<void>;
  /** `GET /ready`, whose 503 is an answer like its 200. */
  readiness(): Promise<Readiness>;
  /** The frames of a task's stream. Ends with the stream, whether or not a terminal frame came. */
  frames(path: string, signal: AbortSignal): AsyncGenerator<Frame>;
  /** The events of any other stream, until it ends. */
  events(path: string, signal: AbortSignal): AsyncGenerator<SseEvent>;
  close(): Promise<void>;
}

export function createCorralClient(server: Server): CorralClient {
  const http = openHttp(server);
  const call = async <T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body: unknown, options: CallOptions): Promise<T> => {
    const correlationId = newId();
    try {
      return await http.json<T>(method, path, body, { ...options, headers: correlationHeader(correlationId) });
    } catch (error) {
      throw failedCall(error, server.url, correlationId, options.signal);
    }
  };
  const checked = <T>(method: string, path: string, check: Validator<T>, answer: unknown): T => {
    const result = check(answer);
    if (result.ok) return result.value;
    throw new CliFailure(`${method} ${path} answered what this version cannot read (${describeProblems(result.problems.slice(0, 3))})`, {
      next: 'use the corral command of the version that the server runs',
    });
  };
  return {
    url: server.url,
    get: async (path, check, options = {}) => checked('GET', path, check, await call('GET', path, undefined, options)),
    post: async (path, body, check, options = {}) => checked('POST', path, check, await call('POST', path, body, options)),
    patch: async (path, body, check, options = {}) => checked('PATCH', path, check, await call('PATCH', path, body, options)),
    put: async (path, body, check, options = {}) => checked('PUT', path, check, await call('PUT', path, body, options)),
    postBare: async (path, options = {}) => void (await call('POST', path, undefined, options)),
    delete: async (path, check, options = {}) => checked('DELETE', path, check, await call('DELETE', path, undefined, options)),
    remove: async (path, options = {}) => void (await call('DELETE', path, undefined, options)),
    readiness: () => readReadiness(http, server.url),
    frames: (path, signal) => readFrames(http, { path, url: server.url, signal }),
    events: (path, signal) => readEvents(http, { path, url: server.url, signal }),
    close: () => http.close(),
  };
}

function openHttp({ url, token }: Server): HttpClient {
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new CliFailure(`${JSON.stringify(url)} is not the address of a server`, {
      next: 'give one like http://127.0.0.1:8080 with --url or CORRAL_URL',
      exitCode: 2,
    });
  }
  return createHttpClient({ baseUrl: url, token, connections: 8 });
}

async function readReadiness(http: HttpClient, url: string): Promise<Readiness> {
  const correlationId = newId();
  try {
    const limit = AbortSignal.timeout(READY_TIMEOUT_MS);
    const answer = await http.pool.request({
      method: 'GET',
      path: pathAt(url, '/ready'),
      headers: { ...http.headers(), ...correlationHeader(correlationId) },
      signal: limit,
    });
    const result = checkReady(await answer.body.json().catch(() => undefined));
    if (result.ok) return result.value;
    throw new CliFailure(`${url} answered /ready with ${answer.statusCode}, and not as a Corral server does`, {
      next: 'check the address given with --url or CORRAL_URL',
    });
  } catch (error) {
    throw failedCall(error, url, correlationId);
  }
}

interface StreamCall {
  readonly path: string;
  readonly url: string;
  readonly signal: AbortSignal;
}

async function* readEvents(http: HttpClient, { path, url, signal }: StreamCall): AsyncGenerator<SseEvent> {
  const correlationId = newId();
  try {
    const headers = { ...http.headers(), accept: 'text/event-stream', ...correlationHeader(correlationId) };
    const answer = await http.pool.request({
      method: 'GET',
      path: pathAt(url, path),
      headers,
      signal,
      headersTimeout: 30_000,
      bodyTimeout: 0,
    });
    if (answer.statusCode !== 200) throw answerError(http.peer, answer.statusCode, await answer.body.text());
    yield* readSse(answer.body as AsyncIterable<Uint8Array>);
  } catch (error) {
    throw failedCall(error, url, correlationId, signal);
  }
}

async function* readFrames(http: HttpClient, call: StreamCall): AsyncGenerator<Frame> {
  for await (const event of readEvents(http, call)) {
    const frame = decodeFrame(event);
    if (frame !== undefined) yield frame;
  }
}

/** A path in the server's address comes before every path asked for. */
function pathAt(url: string, path: string): string {
  return `${new URL(url).pathname.replace(/\/$/, '')}${path}`;
}

function correlationHeader(correlationId: string): Record<string, string> {
  return { [CORRELATION_HEADER.toLowerCase()]: correlationId };
}
