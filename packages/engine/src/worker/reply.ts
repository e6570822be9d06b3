import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { ApiError, toEnvelope, toHttp, FAILURE_TRAILER, USAGE_TRAILER, type GenerateUsage } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { Dialect } from './dialect/dialect.js';

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
  trailer: `${USAGE_TRAILER}, ${FAILURE_TRAILER}`,
};
const WHOLE_HEADERS = { 'content-type': 'application/json; charset=utf-8', trailer: USAGE_TRAILER };

export interface ReplyLimits {
  /** Bytes that may wait for a client before its generation pauses. */
  readonly bufferBytes: number;
  /** How long a client may not read before it is cut. */
  readonly stallMs: number;
}

/**
 * One answer on one response. No byte is sent before the first token, so that a refusal keeps its status;
 * after `end` or `fail` every call is ignored. [C-129]
 */
export class Reply {
  #phase: 'silent' | 'streaming' | 'over' = 'silent';
  readonly #texts: string[] = [];

  constructor(
    private readonly out: ServerResponse,
    private readonly dialect: Dialect,
    private readonly isStream: boolean,
    private readonly limits: ReplyLimits,
  ) {}

  get isOver(): boolean {
    return this.#phase === 'over';
  }

  token(text: string, index: number): void {
    if (this.#phase === 'over') return;
    if (!this.isStream) {
      this.#texts.push(text);
      return;
    }
    const bytes = this.#opening() + this.dialect.token(text, index);
    if (bytes !== '') this.out.write(bytes);
  }

  end(usage: GenerateUsage): void {
    if (this.#phase === 'over') return;
    const body = this.isStream ? this.#opening() + this.dialect.end(usage) : this.dialect.whole(this.#texts.join(''), usage);
    if (!this.isStream) this.out.writeHead(200, WHOLE_HEADERS);
    this.#phase = 'over';
    this.out.write(body);
    this.out.addTrailers({ [USAGE_TRAILER]: JSON.stringify(usage) });
    this.out.end();
  }

  /** Before the stream the failure has its status; in it, it is the last thing that is sent. */
  fail(error: unknown): void {
    if (this.#phase === 'over') return;
    const wasSilent = this.#phase === 'silent';
    this.#phase = 'over';
    if (!wasSilent) {
      const envelope = toEnvelope(error);
      this.out.write(this.dialect.failure(envelope));
      this.out.addTrailers({ [FAILURE_TRAILER]: envelope.code });
      this.out.end();
      return;
    }
    const { status, headers, body } = toHttp(error);
    this.out.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8' }).end(this.dialect.refusal(body));
  }

  /** More than the limit waits for the client. */
  get isFull(): boolean {
    return this.out.writableLength > this.limits.bufferBytes;
  }

  /** Resolves once the client has read, or is gone, or was cut for not reading. */
  async drained(clock: Clock): Promise<void> {
    const settled = new AbortController();
    const stalled = clock.sleep(this.limits.stallMs, settled.signal).then(() => this.#cut(), () => undefined);
    try {
      await Promise.race([once(this.out, 'drain', { signal: settled.signal }), once(this.out, 'close', { signal: settled.signal }), stalled]);
    } catch {
      // A broken connection ends the wait like a closed one; `close` follows.
    } finally {
      settled.abort();
    }
  }

  #cut(): void {
    this.#phase = 'over';
    this.out.destroy(new ApiError('DECODE_TIMEOUT', `the client did not read for ${this.limits.stallMs} ms`));
  }

  #opening(): string {
    if (this.#phase === 'streaming') return '';
    this.#phase = 'streaming';
    this.out.writeHead(200, STREAM_HEADERS);
    return this.dialect.open();
  }
}
