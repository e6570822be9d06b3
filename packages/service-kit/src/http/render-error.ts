import { ApiError, ERRORS, isApiError, toEnvelope, toHttp, toOpenAiError, type ErrorCode } from '@corral/contracts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';

export type ErrorShape = 'corral' | 'openai';

/** Default: `/v1` speaks OpenAI's shape, everything else ours. */
export function errorShapeOf(path: string): ErrorShape {
  return path === '/v1' || path.startsWith('/v1/') ? 'openai' : 'corral';
}

/** What a library threw with a client's status (a broken percent sign, a file that is not there) as ours; defects as they are. */
export function asApiError(error: unknown): unknown {
  if (isApiError(error)) return error;
  const { status, message } = (typeof error === 'object' && error !== null ? error : {}) as { status?: unknown; message?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return error;
  if (status === 404)
    return new ApiError('NOT_FOUND', 'there is nothing at this path; GET /openapi.json lists what there is', {}, { cause: error });
  const code = (Object.keys(ERRORS) as ErrorCode[]).find((name) => ERRORS[name].status === status) ?? 'INVALID_PARAMS';
  return new ApiError(status === 400 ? 'INVALID_PARAMS' : code, `${String(message)}; correct the request`, {}, { cause: error });
}

export interface ErrorAnswer {
  readonly shape: ErrorShape;
  readonly clock: Clock;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The only place that turns a failure into an HTTP answer. The head must not have been sent. [B-03 B-54] */
export function sendError(
  req: IncomingMessage,
  res: ServerResponse,
  error: unknown,
  { shape, clock, headers: extra = {} }: ErrorAnswer,
): void {
  const { status, headers, body } = toHttp(error);
  const text = JSON.stringify(shape === 'openai' ? toOpenAiError(toEnvelope(error)) : body);
  const challenge = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {};
  for (const [name, value] of Object.entries({ ...headers, ...challenge, ...extra })) res.setHeader(name, value);
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  if (req.complete || req.destroyed) res.end(text);
  else endAfterTheRequest(req, res, text, clock);
}

const LINGER_BYTES = 64 * 1_048_576;
const LINGER_MS = 5_000;

/**
 * The client is still sending. Closing at once would reset the connection, and the reset can overtake the answer;
 * so the answer goes out whole, the rest of the request is read away within limits, and then the connection ends.
 */
function endAfterTheRequest(req: IncomingMessage, res: ServerResponse, text: string, clock: Clock): void {
  res.setHeader('Connection', 'close');
  res.write(text);
  const stop = new AbortController();
  const finish = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    res.end();
  };
  let leftBytes = LINGER_BYTES;
  req.on('data', (chunk: Buffer) => {
    leftBytes -= chunk.length;
    if (leftBytes < 0) finish();
  });
  req.once('end', finish).once('close', finish).once('error', finish);
  req.resume();
  clock.sleep(LINGER_MS, stop.signal).then(finish, () => {});
}
