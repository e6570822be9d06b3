import { SSE_HEADERS } from '@corral/service-kit';
import type { Response } from 'express';
import type { FrameReader } from '../tasks/frame-log.js';

export interface EventStream extends FrameReader {
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
}

const HEADERS = { ...SSE_HEADERS, 'Cache-Control': 'no-cache, no-transform' } as const;

/** A response as a reader of frames: it asks to be waited for when its socket is full. [B-64 B-65] */
export function openEventStream(res: Response): EventStream {
  res.writeHead(200, HEADERS);
  res.flushHeaders();
  res.socket?.setNoDelay(true);
  return {
    write: (bytes) => res.write(bytes),
    end: () => void res.end(),
    onDrain: (listener) => void res.on('drain', listener),
    onClose: (listener) => void res.once('close', listener),
  };
}
