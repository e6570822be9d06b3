import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HubFault } from './hub-fault.js';

/** A file as a server has it. */
export interface ServedFile {
  readonly bytes: Buffer;
  /** With its quotes; `null` leaves it out. */
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** A file with an ETag of its own, and no date. */
export function servedFile(bytes: Buffer, changes: Partial<ServedFile> = {}): ServedFile {
  return { bytes, etag: `"${sha256(bytes)}"`, lastModified: null, ...changes };
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Part {
  readonly start: number;
  readonly end: number;
}

/** Answers a GET or HEAD of a file as HTTP wants it, or with a fault. Returns the status. */
export function sendFile(request: IncomingMessage, response: ServerResponse, file: ServedFile, fault: HubFault | null): number {
  if (fault?.kind === 'status') {
    response.writeHead(fault.status, fault.headers).end();
    return fault.status;
  }
  if (fault?.kind === 'redirect') {
    response.writeHead(fault.status ?? 302, { location: fault.to }).end();
    return fault.status ?? 302;
  }
  if (fault?.kind === 'until_close') {
    request.socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'), file.bytes.subarray(0, fault.bytes)]));
    return 200;
  }
  const asked = askedPart(request, file, fault);
  if (asked === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${file.bytes.length}` }).end();
    return 416;
  }
  const { part, body } = chosen(file, asked, fault);
  response.writeHead(part === null ? 200 : 206, headersOf(file, part, body.length, fault));
  if (request.method === 'HEAD') response.end();
  else sendBody(response, body, fault);
  return part === null ? 200 : 206;
}

function askedPart({ headers }: IncomingMessage, file: ServedFile, fault: HubFault | null): Part | 'unsatisfiable' | null {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
  if (first === undefined || fault?.kind === 'ignore_range') return null;
  const condition = headers['if-range'];
  const holds = condition === undefined || condition === file.etag || condition === file.lastModified;
  if (!holds && fault?.kind !== 'ignore_if_range') return null;
  const size = file.bytes.length;
  const end = last === undefined || last === '' ? size : Math.min(size, Number(last) + 1);
  return Number(first) >= size ? 'unsatisfiable' : { start: Number(first), end };
}

function chosen({ bytes }: ServedFile, asked: Part | null, fault: HubFault | null): { readonly part: Part | null; readonly body: Buffer } {
  if (asked === null) return { part: null, body: fault?.kind === 'short_length' ? bytes.subarray(0, fault.bytes) : bytes };
  if (fault?.kind !== 'wrong_range' && fault?.kind !== 'lying_range') return { part: asked, body: bytes.subarray(asked.start, asked.end) };
  const length = asked.end - asked.start;
  const start = Math.max(0, Math.min(bytes.length - length, asked.start + fault.shiftBytes));
  const body = bytes.subarray(start, start + length);
  return { part: fault.kind === 'lying_range' ? asked : { start, end: start + length }, body };
}

function headersOf(file: ServedFile, part: Part | null, length: number, fault: HubFault | null): Record<string, string> {
  const hidden = fault?.kind === 'no_validator' || fault?.kind === 'weak_validator';
  return {
    'accept-ranges': 'bytes',
    ...(fault?.kind === 'no_length' ? {} : { 'content-length': String(length) }),
    ...(fault?.kind === 'encoded' ? { 'content-encoding': 'gzip' } : {}),
    ...(fault?.kind === 'weak_validator' && file.etag !== null ? { etag: `W/${file.etag}` } : {}),
    ...(file.etag === null || hidden ? {} : { etag: file.etag }),
    ...(file.lastModified === null || hidden ? {} : { 'last-modified': file.lastModified }),
    ...(part === null ? {} : { 'content-range': `bytes ${part.start}-${part.end - 1}/${file.bytes.length}` }),
  };
}

const STEP_MS = 20;

function sendBody(response: ServerResponse, body: Buffer, fault: HubFault | null): void {
  const cutAt = fault?.kind === 'cut' ? fault.afterBytes : fault?.cutAfterBytes;
  if (cutAt !== undefined) response.write(body.subarray(0, cutAt), () => response.socket?.destroy());
  else if (fault?.kind === 'stall') response.write(body.subarray(0, fault.afterBytes), () => fault.onStall?.());
  else if (fault?.kind === 'slow') sendSlowly(response, body, Math.max(1, Math.round((fault.bytesPerS * STEP_MS) / 1_000)));
  else response.end(body);
}

function sendSlowly(response: ServerResponse, body: Buffer, stepBytes: number): void {
  let at = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(at, at + stepBytes));
    at += stepBytes;
    if (at < body.length) return;
    clearInterval(timer);
    response.end();
  }, STEP_MS);
  response.once('close', () => clearInterval(timer));
}
