import { ApiError, ERRORS, USAGE_TRAILER, type ErrorCode, type ErrorEnvelope, type GenerateUsage } from '@corral/contracts';
import { connectionError, relay, type Clock, type HttpClient, type RelayOutcome } from '@corral/service-kit';
import { AnswerWatch, type WatchLimits } from './answer-watch.js';
import type { Dispatch, DispatchOutcome, Dispatcher } from './dispatcher.js';

export interface NodeDispatcherParts {
  readonly clock: Clock;
  readonly limits: WatchLimits;
  clientFor(nodeId: string): HttpClient | undefined;
  /** No connection to the node came about: it is away, whatever it last said. */
  unreachable(nodeId: string, causeCode: string): void;
}

/** Refusals of a node that another replica, or the same one a moment later, may not repeat. */
const WORTH_ANOTHER: ReadonlySet<ErrorCode> = new Set(['REPLICA_EXHAUSTED', 'POOL_UNREADY', 'NOT_FOUND', 'WORKER_RESET', 'SHUTTING_DOWN']);

/** Sends tasks to nodes over HTTP; the answer's bytes pass through unread. [B-60] */
export class NodeDispatcher implements Dispatcher {
  constructor(private readonly parts: NodeDispatcherParts) {}

  async run(dispatch: Dispatch): Promise<DispatchOutcome> {
    const client = this.parts.clientFor(dispatch.nodeId);
    if (client === undefined) return lost(`node ${dispatch.nodeId} has left`, 'not_attempted');
    const { request, output, progress, signal } = dispatch;
    const watch = new AnswerWatch(this.parts.clock, this.parts.limits, request);
    const outcome = await relay({
      pool: client.pool,
      path: `/v2/pools/${encodeURIComponent(dispatch.poolId)}/tasks`,
      headers: { ...client.headers(), 'content-type': 'application/json', 'x-correlation-id': request.correlation_id },
      body: JSON.stringify(request),
      signal: AbortSignal.any([signal, watch.signal]),
      onHead: (status, headers) => {
        if (status !== 200) return 'refuse';
        watch.onHead();
        return output.open({ status, headers });
      },
      onFirstByte: () => void (progress.firstByteAtMs = this.parts.clock.monotonicMs()),
      onProgress: (frames) => {
        progress.frames = frames;
        watch.onBytes();
      },
    });
    watch.end();
    if (outcome.kind === 'broken' && outcome.beforeHead) {
      const { reached, causeCode } = connectionError(client.peer, outcome.cause);
      if (!reached) this.parts.unreachable(dispatch.nodeId, causeCode);
      return lost(`${dispatch.nodeId} broke off (${causeCode})`, reached ? 'attempted' : 'not_attempted');
    }
    return watch.expired === null ? outcomeOf(outcome, dispatch) : { kind: 'failed', error: watch.expired, placeAgain: false, attempted: true };
  }
}

function outcomeOf(outcome: RelayOutcome, { nodeId }: Dispatch): DispatchOutcome {
  switch (outcome.kind) {
    case 'ended':
      return { kind: 'completed', usage: usageOf(outcome.trailers[USAGE_TRAILER]) };
    case 'aborted':
      return { kind: 'aborted' };
    case 'refused':
      return refused(outcome.status, outcome.body);
    case 'broken':
      return lost(`${nodeId} broke off (${outcome.cause.message})`, 'in_stream');
  }
}

function refused(status: number, body: string): DispatchOutcome {
  const error = errorOf(status, body);
  const placeAgain = WORTH_ANOTHER.has(error.code);
  return { kind: 'failed', placeAgain, attempted: true, error: error.code === 'NOT_FOUND' ? new ApiError('WORKER_RESET', `the replica has gone: ${error.message}`) : error };
}

/** A refusal is our envelope, under `error` where the worker wrote it for a client of OpenAI; anything else is a fault on the way. */
function errorOf(status: number, body: string): ApiError {
  const { code, message, hint, field, retry_after_ms, policy_label } = envelopeIn(body);
  if (code === undefined || message === undefined || !Object.hasOwn(ERRORS, code)) {
    return new ApiError('WORKER_RESET', `the node answered ${status} without a reason; look at its log`);
  }
  const details = { hint, field, retry_after_ms, policy_label };
  return new ApiError(code, message, Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)));
}

function envelopeIn(body: string): Partial<ErrorEnvelope> {
  try {
    const parsed = JSON.parse(body) as { readonly error?: Partial<ErrorEnvelope> } & Partial<ErrorEnvelope>;
    return parsed.error ?? parsed;
  } catch {
    return {};
  }
}

/** Before its first byte an answer can be placed again; a try that no node saw does not count as one. */
function lost(what: string, when: 'not_attempted' | 'attempted' | 'in_stream'): DispatchOutcome {
  const error = new ApiError('WORKER_RESET', `the answer was lost: ${what}; send the request again`);
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
