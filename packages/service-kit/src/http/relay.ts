import type { Dispatcher } from 'undici';
import { FrameCounter } from './frame-counter.js';

export type Trailers = Readonly<Record<string, string>>;
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Where the bytes of a stream go. */
export interface RelaySink {
  /**
   * Takes the bytes; `false` = no more until `onDrain` calls back, but for what was read already when the upstream hung up,
   * at most what one connection buffers. The chunk is not used again by the relay.
   */
  write(chunk: Buffer): boolean;
  /** Calls `resume` once, when more may come. Asked for only after `write` returned `false`, and once at a time. */
  onDrain(resume: () => void): void;
  /** The stream is whole. Not called when it broke or was aborted: what to say then is the caller's decision. */
  end(trailers: Trailers): void;
  /** Aborted when nobody reads any more: the upstream is then aborted too. */
  readonly closed?: AbortSignal;
}

export interface RelayRequest {
  readonly pool: Dispatcher;
  readonly path: string;
  /** POST when left out. */
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | null;
  /** Aborts the upstream; the outcome is then `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Decides about the answer when its head is there: a sink for the bytes, or `refuse` to have the body collected. */
  onHead(status: number, headers: AnswerHeaders): RelaySink | 'refuse';
  /** When the first byte of the body passes. */
  onFirstByte?(): void;
  /** After each chunk, with the totals so far. */
  onProgress?(frames: number, bytes: number): void;
}

export type RelayOutcome =
  | { readonly kind: 'ended'; readonly trailers: Trailers; readonly frames: number; readonly bytes: number }
  /** `body` holds at most 64 KiB. */
  | { readonly kind: 'refused'; readonly status: number; readonly headers: AnswerHeaders; readonly body: string }
  | { readonly kind: 'aborted'; readonly by: 'signal' | 'sink'; readonly frames: number; readonly bytes: number }
  | { readonly kind: 'broken'; readonly beforeHead: boolean; readonly cause: Error; readonly frames: number; readonly bytes: number };

/**
 * Sends a request upstream and passes the answer's bytes on untouched, with backpressure, until it ends in one of
 * the outcomes. Never rejects. Has no deadlines of its own: the caller's are in `signal`. [B-60 B-64]
 */
export function relay(request: RelayRequest): Promise<RelayOutcome> {
  return new Promise((resolve) => new Relay(request, resolve).start());
}

const REFUSAL_BYTES = 65_536;

class Relay {
  readonly #frames = new FrameCounter();
  #bytes = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #answer: { readonly status: number; readonly headers: AnswerHeaders; readonly to: RelaySink | Buffer[] } | undefined;
  #isWaiting = false;
  #settled = false;

  constructor(
    private readonly request: RelayRequest,
    private readonly resolve: (outcome: RelayOutcome) => void,
  ) {}

  start(): void {
    const { pool, path, method = 'POST', headers, body = null, signal } = this.request;
    if (signal?.aborted === true) return this.#abort('signal');
    signal?.addEventListener('abort', this.#onSignal, { once: true });
    const options = { path, method, headers: headers ?? {}, body, headersTimeout: 0, bodyTimeout: 0 };
    try {
      pool.dispatch(options, {
        onRequestStart: (controller) => this.#onStart(controller),
        onResponseStart: (_controller, status, answerHeaders) => this.#onHead(status, answerHeaders),
        onResponseData: (_controller, chunk) => this.#onData(chunk),
        onResponseEnd: (_controller, trailers) => this.#onEnd(trailers),
        onResponseError: (_controller, cause) => this.#onBroken(cause),
      });
    } catch (error) {
      this.#onBroken(error as Error);
    }
  }

  /** A request that waited for a connection may have been aborted before this. */
  #onStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#settled) controller.abort(new Error('aborted before it was sent'));
  }

  #onHead(status: number, headers: AnswerHeaders): void {
    if (this.#settled || status < 200) return;
    const decided = this.request.onHead(status, headers);
    this.#answer = { status, headers, to: decided === 'refuse' ? [] : decided };
    if (decided === 'refuse' || decided.closed === undefined) return;
    if (decided.closed.aborted) this.#abort('sink');
    else decided.closed.addEventListener('abort', this.#onSinkClosed, { once: true });
  }

  #onData(chunk: Buffer): void {
    if (this.#settled || this.#answer === undefined) return;
    const { to } = this.#answer;
    if (Array.isArray(to)) return this.#collect(to, chunk);
    if (this.#bytes === 0) this.request.onFirstByte?.();
    this.#bytes += chunk.length;
    this.#frames.add(chunk);
    const hasRoom = to.write(chunk);
    this.request.onProgress?.(this.#frames.frames, this.#bytes);
    if (hasRoom || this.#settled || this.#isWaiting) return;
    this.#isWaiting = true;
    this.#controller?.pause();
    to.onDrain(() => {
      this.#isWaiting = false;
      if (!this.#settled) this.#controller?.resume();
    });
  }

  #collect(chunks: Buffer[], chunk: Buffer): void {
    chunks.push(chunk.subarray(0, REFUSAL_BYTES - this.#bytes));
    this.#bytes += chunk.length;
    if (this.#bytes < REFUSAL_BYTES) return;
    this.#settle(this.#refused(chunks));
    this.#controller?.abort(new Error('the refusal is too long'));
  }

  #onEnd(trailers: AnswerHeaders): void {
    if (this.#settled || this.#answer === undefined) return;
    const { to } = this.#answer;
    if (Array.isArray(to)) return this.#settle(this.#refused(to));
    const texts = textsOf(trailers);
    this.#settle({ kind: 'ended', trailers: texts, ...this.#totals() });
    to.end(texts);
  }

  #onBroken(cause: Error): void {
    if (!this.#settled) this.#settle({ kind: 'broken', beforeHead: this.#answer === undefined, cause, ...this.#totals() });
  }

  readonly #onSignal = (): void => this.#abort('signal');
  readonly #onSinkClosed = (): void => this.#abort('sink');

  #abort(by: 'signal' | 'sink'): void {
    if (this.#settled) return;
    this.#settle({ kind: 'aborted', by, ...this.#totals() });
    this.#controller?.abort(new Error(`aborted by the ${by}`));
  }

  #refused(chunks: readonly Buffer[]): RelayOutcome {
    const { status = 0, headers = {} } = this.#answer ?? {};
    return { kind: 'refused', status, headers, body: Buffer.concat(chunks).toString('utf8') };
  }

  #totals(): { readonly frames: number; readonly bytes: number } {
    return { frames: this.#frames.frames, bytes: this.#bytes };
  }

  #settle(outcome: RelayOutcome): void {
    this.#settled = true;
    this.request.signal?.removeEventListener('abort', this.#onSignal);
    const to = this.#answer?.to;
    if (to !== undefined && !Array.isArray(to)) to.closed?.removeEventListener('abort', this.#onSinkClosed);
    this.resolve(outcome);
  }
}

function textsOf(trailers: AnswerHeaders): Trailers {
  return Object.fromEntries(
    Object.entries(trailers).flatMap(([name, value]) => (value === undefined ? [] : [[name, [value].flat().join(', ')]])),
  );
}
