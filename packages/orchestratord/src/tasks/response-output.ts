import { ApiError, toHttp, type MetricsFrame, type StartedFrame } from '@corral/contracts';
import { responseSink, type RelaySink, type ResponseSink } from '@corral/service-kit';
import type { ServerResponse } from 'node:http';
import type { AnswerShape } from './answer-shape.js';
import { FrameBoundary } from './frame-boundary.js';
import type { Ending, TaskOutput, UpstreamHead } from './task-output.js';

export interface ResponseOutputOptions {
  /** How what is not the worker's is written. */
  readonly shape: AnswerShape;
  readonly stream: boolean;
  /** Bytes that may wait for a slow reader before the worker's stream is paused. */
  readonly bufferMaxBytes: number;
  /** How long a reader may take nothing before its answer is cut, milliseconds. */
  readonly stallMs: number;
  readonly cancelOnDisconnect: boolean;
  /** `<name>@<version>` where the client named a route. */
  readonly routeHeader: string | null;
  onStalled(): void;
}

const PASSED_HEADERS = ['content-type', 'cache-control', 'x-accel-buffering'];

/**
 * The answer of a `/v1` or chat call: bytes go straight to the client. Nothing is sent before the worker's first
 * byte, so that a failure until then keeps its status. [B-04]
 */
export class ResponseOutput implements TaskOutput {
  readonly #gone = new AbortController();
  readonly #boundary = new FrameBoundary();
  #sink: ResponseSink | null = null;
  #ended = false;
  #poolId: string | null = null;

  constructor(
    private readonly res: ServerResponse,
    private readonly options: ResponseOutputOptions,
  ) {
    if (res.destroyed) this.#gone.abort();
    res.once('close', () => {
      if (this.#ended) return;
      if (this.#sink?.reason === 'too_slow') options.onStalled();
      if (options.cancelOnDisconnect) this.#gone.abort();
    });
  }

  get abandoned(): AbortSignal {
    return this.#gone.signal;
  }

  started(frame: StartedFrame): void {
    this.options.shape.started(frame);
  }

  /** The last one before the first byte says where the answer comes from. */
  metrics(frame: MetricsFrame): void {
    if (frame.pool_id !== undefined) this.#poolId = frame.pool_id;
    this.options.shape.metrics(frame);
  }

  open({ status, headers }: UpstreamHead): RelaySink {
    const { routeHeader, bufferMaxBytes, stallMs, stream } = this.options;
    const passed = PASSED_HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]] as const] : []));
    const own = { ...(this.#poolId === null ? {} : { 'X-Corral-Pool': this.#poolId }), ...(routeHeader === null ? {} : { 'X-Corral-Route': routeHeader }) };
    const sink = responseSink(this.res, { head: { status, headers: { ...Object.fromEntries(passed), ...own } }, maxBufferedBytes: bufferMaxBytes, stallMs });
    this.#sink = sink;
    if (stream) sink.writeText(this.options.shape.opening());
    const whole = (chunk: Buffer): Buffer => (stream ? asBuffer(this.#boundary.push(chunk)) : chunk);
    return {
      write: (chunk) => this.#ended || sink.write(whole(chunk)),
      onDrain: (resume) => sink.onDrain(resume),
      end: () => undefined,
    };
  }

  end(ending: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.res.destroyed) return;
    if (this.#sink === null) return this.#refuse(refusalOf(ending));
    if (ending.kind === 'failed' && !this.options.stream) return void this.res.destroy();
    if (ending.kind === 'completed') this.#sink.write(asBuffer(this.#boundary.rest()));
    else if (this.options.stream) this.#sink.writeText(this.options.shape.closing(ending));
    this.#sink.end({});
  }

  #refuse(error: ApiError): void {
    const { status, headers, body } = toHttp(error);
    this.res.writeHead(status, { ...headers, 'Content-Type': 'application/json; charset=utf-8' });
    this.res.end(JSON.stringify(this.options.shape.refusal(body)));
  }
}

function refusalOf(ending: Ending): ApiError {
  if (ending.kind === 'failed') return ending.error;
  if (ending.kind === 'canceled') return new ApiError('GONE', 'the request was canceled before its first token; send it again if you still want the answer');
  return new ApiError('INTERNAL', 'the worker ended an answer that it had not begun');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
