import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { CORRELATION_HEADER, correlationFor } from './correlation-header.js';

interface ParserError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

const ANSWERS: Readonly<Record<string, { readonly status: number; readonly message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'the headers are larger than 16 KiB; send fewer or shorter ones' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'the request did not arrive in time; send it faster' },
};
const MALFORMED = { status: 400, message: 'this is not a valid HTTP/1.1 request; check the request line, the headers and the length' };

/**
 * The whole answer to what the HTTP parser refused, with code, message and correlation id as everywhere else;
 * `undefined` when nobody is there to read it. [B-01 B-03]
 */
export function parserErrorAnswer(error: ParserError, socket: Pick<Socket, 'writable'>): string | undefined {
  if (error.code === 'ECONNRESET' || !socket.writable) return undefined;
  const { status, message } = ANSWERS[error.code ?? ''] ?? MALFORMED;
  const body = JSON.stringify({ code: 'INVALID_PARAMS', message, retriable: status === 408 });
  const sent = /^x-correlation-id:[ \t]*(\S+)[ \t]*\r?$/im.exec(error.rawPacket?.toString('latin1') ?? '')?.[1];
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `${CORRELATION_HEADER}: ${correlationFor(sent)}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
