import type { IncomingMessage } from 'node:http';
import { ApiError } from '@corral/contracts';
import { messageOf } from '../message-of.js';

/** The body as JSON; refuses what is too large or no JSON. */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > maxBytes) throw new ApiError('PAYLOAD_TOO_LARGE', `the body is larger than ${maxBytes} bytes; shorten the prompt`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    throw new ApiError('INVALID_PARAMS', `the body is not JSON: ${messageOf(error)}`);
  }
}
