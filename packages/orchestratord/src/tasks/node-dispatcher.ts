import { ApiError, FAILURE_TRAILER, USAGE_TRAILER, type GenerateUsage } from '@corral/contracts';
import { connectionError, relay, type Clock, type HttpClient, type RelayOutcome, type Trailers } from '@corral/service-kit';
import { AnswerGate } from './answer-gate.js';
import { AnswerWatch } from './answer-watch.js';
import type { Dispatch, DispatchOutcome, Dispatcher } from './dispatcher.js';
import { failureOf, refusalOfNode } from './node-refusal.js';
import type { UpstreamHead } from './task-output.js';

export interface NodeDispatcherParts {
  readonly clock: Clock;
  /** What a worker may need beyond its own deadlines to say so itself, milliseconds. */
  readonly graceMs: number;
  /** What of an answer may be held back until it can be shown. */
  readonly heldMaxBytes: number;
  clientFor(nodeId: string): HttpClient | undefined;
  /** No connection to the node came about: it is away, whatever it last said. */
  unreachable(nodeId: string, causeCode: string): void;
  /** The node should be asked for its state: it is silent, or it is not as it last reported. */
  ask(nodeId: string): void;
}

/** A node from which nothing comes for so long is asked whether it is still there. */
const SILENT_MS = 3_000;

/** Sends tasks to nodes over HTTP; the answer's bytes pass through unread. [B-60] */
export class NodeDispatcher implements Dispatcher {
  constructor(private readonly parts: NodeDispatcherParts) {}

  run(dispatch: Dispatch): Promise<DispatchOutcome> {
    const client = this.parts.clientFor(dispatch.nodeId);
    if (client === undefined) return Promise.resolve(lost(`node ${dispatch.nodeId} has left`, 'not_attempted'));
    return new Dispatched(this.parts, client, dispatch).run();
  }
}

/** One dispatch on its way. */
class Dispatched {
  readonly #watch: AnswerWatch;
  readonly #gate: AnswerGate;
  readonly #tooLong = new AbortController();
  readonly #ended = new AbortController();
  #head: UpstreamHead = { status: 200, headers: {} };

  constructor(
    private readonly parts: NodeDispatcherParts,
    private readonly client: HttpClient,
    private readonly dispatch: Dispatch,
  ) {
    const { request, output } = dispatch;
    this.#watch = new AnswerWatch(parts.clock, parts.graceMs, request);
    this.#gate = new AnswerGate({
      stream: request.output.stream,
      heldMaxBytes: parts.heldMaxBytes,
      open: () => output.open(this.#head),
      onPaused: (isPaused) => this.#watch.pause(isPaused),
      onTooLong: () => this.#tooLong.abort(),
    });
  }

  async run(): Promise<DispatchOutcome> {
    const { dispatch, client, parts } = this;
    const { request, progress, signal, lost: nodeLost } = dispatch;
    void this.#askWhileSilent();
    const outcome = await relay({
      pool: client.pool,
      path: `/v2/pools/${encodeURIComponent(dispatch.poolId)}/tasks`,
      headers: { ...client.headers(), 'content-type': 'application/json', 'x-correlation-id': request.correlation_id },
      body: JSON.stringify(request),
      signal: AbortSignal.any([signal, nodeLost, this.#watch.signal, this.#tooLong.signal]),
      onHead: (status, headers) => {
        this.#head = { status, headers };
        return status === 200 ? this.#gate : 'refuse';
      },
      onFirstByte: () => void (progress.firstByteAtMs = parts.clock.monotonicMs()),
      onProgress: (frames) => {
        progress.frames = frames;
        progress.lastByteAtMs = parts.clock.monotonicMs();
        this.#watch.onBytes();
      },
    });
    this.#watch.end();
    this.#ended.abort();
    return this.#judged(outcome);
  }

  #judged(outcome: RelayOutcome): DispatchOutcome {
    const { nodeId } = this.dispatch;
    switch (outcome.kind) {
      case 'ended':
        this.#gate.show();
        return wholeOutcome(outcome.trailers);
      case 'aborted':
        return this.#aborted();
      case 'refused': {
        const refused = refusalOfNode(outcome.status, outcome.body);
        if (refused.placeAgain) this.parts.ask(nodeId);
        return refused;
      }
      case 'broken': {
        const { reached, causeCode } = connectionError(this.client.peer, outcome.cause);
        if (reached) this.parts.ask(nodeId);
        else this.parts.unreachable(nodeId, causeCode);
        return this.#lost(`node ${nodeId} broke off (${causeCode})`, reached);
      }
    }
  }

  #aborted(): DispatchOutcome {
    const { signal, lost: nodeLost, nodeId } = this.dispatch;
    if (signal.aborted) return { kind: 'aborted' };
    if (this.#watch.expired !== null) return { kind: 'failed', error: this.#watch.expired, placeAgain: false, attempted: true };
    if (nodeLost.aborted) return this.#lost(`node ${nodeId} is away: ${(nodeLost.reason as Error).message}`, true);
    const error = new ApiError('WORKER_RESET', `the answer is longer than ${this.parts.heldMaxBytes} bytes; ask for a stream, or set max_tokens`);
    return { kind: 'failed', error, placeAgain: false, attempted: true };
  }

  #lost(what: string, attempted: boolean): DispatchOutcome {
    return lost(what, this.#gate.isOpen ? 'in_stream' : attempted ? 'attempted' : 'not_attempted');
  }

  /** A connection may stay open though nobody is at its other end; then the node's silence tells. [P-17] */
  async #askWhileSilent(): Promise<void> {
    const { clock, ask } = this.parts;
    const { progress, nodeId } = this.dispatch;
    for (;;) {
      await clock.sleep(SILENT_MS, this.#ended.signal).catch(() => undefined);
      if (this.#ended.signal.aborted) return;
      if (clock.monotonicMs() - (progress.lastByteAtMs ?? Number.NEGATIVE_INFINITY) >= SILENT_MS) ask(nodeId);
    }
  }
}

function wholeOutcome(trailers: Trailers): DispatchOutcome {
  const failure = trailers[FAILURE_TRAILER];
  return failure === undefined ? { kind: 'completed', usage: usageOf(trailers[USAGE_TRAILER]) } : { kind: 'told', error: failureOf(failure) };
}

/** Until something was shown an answer can be placed again; a try that no worker saw does not count as one. */
function lost(what: string, when: 'not_attempted' | 'attempted' | 'in_stream'): DispatchOutcome {
  const error = new ApiError('WORKER_RESET', `the answer was lost: ${what}; send the request again`, { retry_after_ms: 1_000 });
  return { kind: 'failed', placeAgain: when !== 'in_stream', attempted: when !== 'not_attempted', error };
}

function usageOf(trailer: string | undefined): GenerateUsage | null {
  if (trailer === undefined) return null;
  try {
    return JSON.parse(trailer) as GenerateUsage;
  } catch {
    return null;
  }
}
