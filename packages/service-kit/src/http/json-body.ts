import { ApiError } from '@corral/contracts';
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { formatBytes } from '../sizes.js';
import { describePosition, jsonErrorPosition } from './json-error-position.js';

const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json$/;

/** A body as it came, and what it says. */
export interface JsonBody {
  readonly raw: Buffer;
  readonly value: unknown;
}

/**
 * Reads a whole JSON body; `undefined` when the request has none.
 *
 * Rejects with UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE or INVALID_PARAMS; what is left of the request is then
 * unread. With `isParsedLate` the body's type and text are looked at when `value` is first asked for, which then
 * throws: who called is known before what was sent. [B-06]
 */
export async function readJsonBody(req: IncomingMessage, limitBytes: number, isParsedLate = false): Promise<JsonBody | undefined> {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared === 0 && req.headers['transfer-encoding'] === undefined) return undefined;
  if (declared > limitBytes) throw tooLarge(limitBytes);
  const raw = await collect(req, limitBytes);
  if (raw.length === 0) return undefined;
  const value = (): unknown => {
    const problem = mediaTypeProblem(req.headers);
    if (problem !== undefined) throw new ApiError('UNSUPPORTED_MEDIA_TYPE', problem);
    return parseJson(raw);
  };
  if (!isParsedLate) return { raw, value: value() };
  return {
    raw,
    get value() {
      return value();
    },
  };
}

function mediaTypeProblem(headers: IncomingMessage['headers']): string | undefined {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (!JSON_TYPE.test(type)) return `a body of type ${type === '' ? '(none)' : type} is not read; send "Content-Type: application/json"`;
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) return `a body in ${charset} is not read; send UTF-8`;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') return `a body with Content-Encoding ${encoding} is not read; send it as it is`;
  return undefined;
}

/** By events: leaving an async iterator would destroy the socket that the refusal has to travel on. */
function collect(req: IncomingMessage, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (finish: () => void): void => {
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limitBytes) return void chunks.push(chunk);
      req.pause();
      settle(() => reject(tooLarge(limitBytes)));
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks, size)));
    const onError = (error: Error): void => settle(() => reject(new RequestAborted({ cause: error })));
    const onClose = (): void => settle(() => reject(new RequestAborted()));
    req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** The client went away before its request was whole: nobody is left to answer. */
export class RequestAborted extends Error {
  constructor(options?: ErrorOptions) {
    super('the client went away before its request was whole', options);
    this.name = 'RequestAborted';
  }
}

function parseJson(raw: Buffer): unknown {
  if (!isUtf8(raw)) throw new ApiError('INVALID_PARAMS', 'the body is not UTF-8; encode it as UTF-8');
  const text = raw.toString('utf8').replace(/^\uFEFF/, '');
  try {
    return JSON.parse(text);
  } catch {
    const at = jsonErrorPosition(text);
    const where = describePosition(text, at);
    throw new ApiError(
      'INVALID_PARAMS',
      at >= text.length
        ? `the JSON body stops too early, at ${where}; send the rest`
        : `the body is not JSON at ${where}; correct it there`,
    );
  }
}

function tooLarge(limitBytes: number): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', `the body is larger than ${formatBytes(limitBytes)}; send less`);
}
