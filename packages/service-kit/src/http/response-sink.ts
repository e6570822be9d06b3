import type { ServerResponse } from 'node:http';
import { systemClock, type Clock } from '../clock.js';
import { FrameCounter } from './frame-counter.js';
import type { RelaySink, Trailers } from './relay.js';
import { SSE_HEARTBEAT } from './sse.js';

export interface ResponseSinkOptions {
  /** Status and headers of the answer; sent at once, so that the client knows that it was heard. */
  readonly head: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
  /** Names of upstream trailers that are passed on; announced in the head. */
  readonly trailers?: readonly string[];
  /** What may wait in memory for a slow client before the upstream is paused. */
  readonly maxBufferedBytes?: number;
  /** A client that has not caught up this long after the pause is cut. */
  readonly stallMs?: number;
  /** Writes a comment when nothing was sent for so long; left out, never. [B-65] */
  readonly heartbeatMs?: number | undefined;
  readonly clock?: Clock;
}

export type SinkClosed = 'client_gone' | 'too_slow';

/** A response as a sink: bounded in memory and in patience, so that one slow client costs nobody else. [B-64] */
export interface ResponseSink extends RelaySink {
  readonly closed: AbortSignal;
  /** Why `closed` was aborted, `undefined` while it was not. */
  readonly reason: SinkClosed | undefined;
  /** Text of the daemon's own, such as a frame before or after the relayed ones; same answer as `write`. */
  writeText(text: string): boolean;
}

/** Sends the head and takes the stream. The response must be fresh. */
export function responseSink(res: ServerResponse, options: ResponseSinkOptions): ResponseSink {
  return new HttpResponseSink(res, options);
}

class HttpResponseSink implements ResponseSink {
  readonly #gone = new AbortController();
  readonly #done = new AbortController();
  readonly #frames = new FrameCounter();
  readonly #clock: Clock;
  readonly #maxBufferedBytes: number;
  readonly #stallMs: number;
  #reason: SinkClosed | undefined;
  #stalled: AbortController | undefined;
  #lastWriteMs: number;

  constructor(
    private readonly res: ServerResponse,
    private readonly options: ResponseSinkOptions,
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? 262_144;
    this.#stallMs = options.stallMs ?? 10_000;
    this.#lastWriteMs = this.#clock.monotonicMs();
    res.once('close', () => this.#close('client_gone'));
    res.on('error', () => this.#close('client_gone'));
    const { trailers = [], head } = options;
    res.writeHead(head.status, { ...withoutConnection(head.headers), ...(trailers.length > 0 ? { Trailer: trailers.join(', ') } : {}) });
    res.flushHeaders();
    if (res.destroyed) this.#close('client_gone');
    if (options.heartbeatMs !== undefined) void this.#beat(options.heartbeatMs);
  }

  get closed(): AbortSignal {
    return this.#gone.signal;
  }

  get reason(): SinkClosed | undefined {
    return this.#reason;
  }

  write(chunk: Buffer): boolean {
    if (this.#done.signal.aborted) return true;
    this.#lastWriteMs = this.#clock.monotonicMs();
    this.#frames.add(chunk);
    if (this.res.write(chunk) || this.res.writableLength <= this.#maxBufferedBytes) return true;
    this.#stall();
    return false;
  }

  writeText(text: string): boolean {
    return this.write(Buffer.from(text));
  }

  onDrain(resume: () => void): void {
    if (this.#stalled === undefined) return resume();
    this.#stalled.signal.addEventListener('abort', resume, { once: true });
  }

  end(trailers: Trailers): void {
    if (this.#done.signal.aborted) return;
    const wanted = new Set(this.options.trailers?.map((name) => name.toLowerCase()));
    const passed = Object.entries(trailers).filter(([name]) => wanted.has(name.toLowerCase()));
    if (passed.length > 0) this.res.addTrailers(Object.fromEntries(passed));
    this.#done.abort();
    this.res.end();
    // A client that never takes the rest must not keep the connection for ever.
    this.#stall();
  }

  /** Waits for the client to catch up, for a while. */
  #stall(): void {
    if (this.#stalled !== undefined) return;
    const stalled = new AbortController();
    this.#stalled = stalled;
    const caughtUp = (): void => {
      this.#stalled = undefined;
      stalled.abort();
    };
    this.res.once('drain', caughtUp);
    this.#clock.sleep(this.#stallMs, stalled.signal).then(
      () => this.#close('too_slow'),
      () => this.res.off('drain', caughtUp),
    );
  }

  #close(reason: SinkClosed): void {
    this.#stalled?.abort();
    this.#done.abort();
    if (this.#reason !== undefined || this.res.writableFinished) return;
    this.#reason = reason;
    this.#gone.abort(new Error(reason === 'too_slow' ? 'the client reads too slowly' : 'the client went away'));
    this.res.destroy();
  }

  /** Only between events: the bytes that pass may stop anywhere. */
  async #beat(everyMs: number): Promise<void> {
    try {
      for (;;) {
        const dueMs = this.#lastWriteMs + everyMs;
        await this.#clock.sleep(Math.max(1, dueMs - this.#clock.monotonicMs()), this.#done.signal);
        if (this.#lastWriteMs + everyMs > this.#clock.monotonicMs()) continue;
        this.#lastWriteMs = this.#clock.monotonicMs();
        if (this.#frames.atBoundary && !this.res.writableNeedDrain) this.res.write(SSE_HEARTBEAT);
      }
    } catch {
      // The sink is done.
    }
  }
}

/** Node answers `keep-alive` itself, unless the client or a closing server wants the connection to end. */
function withoutConnection(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'connection'));
}
