import { ApiError, isApiError, Operation, validator } from '@corral/contracts';
import { isConnectionError, operationError, type Clock, type HttpClient, type OperationStep } from '@corral/service-kit';

export interface FollowedNode {
  readonly client: Pick<HttpClient, 'json' | 'peer'>;
  readonly clock: Clock;
}

const check = validator(Operation);

const POLL_MS = 250;
/** A node that is silent for longer is given up; what it does goes on without a witness. */
const SILENCE_MAX_MS = 30_000;

/**
 * Follows an operation of a node to its end and passes its progress on. Resolves with its result; rejects with its error,
 * NODE_UNAVAILABLE where the node is silent for too long or has restarted, or the signal's reason. [B-104]
 */
export async function followOperation({ client, clock }: FollowedNode, operationId: string, step: OperationStep, signal: AbortSignal): Promise<unknown> {
  let heardMs = clock.monotonicMs();
  for (;;) {
    const operation = await look(client, operationId, signal);
    signal.throwIfAborted();
    if (operation !== null) {
      heardMs = clock.monotonicMs();
      if (operation.error !== null) throw operationError(operation.error);
      if (operation.state === 'succeeded') return operation.result;
      step({ phase: operation.phase, fraction: operation.progress, ...(operation.detail === null ? {} : { detail: operation.detail }) });
    } else if (clock.monotonicMs() - heardMs > SILENCE_MAX_MS) {
      throw new ApiError('NODE_UNAVAILABLE', `${client.peer} has not answered for ${SILENCE_MAX_MS / 1_000} s, and may still go on; look at GET /v2/pools when it reports again`, { retry_after_ms: 5_000 });
    }
    await clock.sleep(POLL_MS, signal);
  }
}

/** `null` = the node could not be asked. */
async function look(client: FollowedNode['client'], operationId: string, signal: AbortSignal): Promise<Operation | null> {
  try {
    const checked = check(await client.json('GET', `/v2/operations/${encodeURIComponent(operationId)}`, undefined, { signal, timeoutMs: 5_000 }));
    if (!checked.ok) throw new ApiError('NODE_UNAVAILABLE', `${client.peer} answered what this version cannot read; run the same version on both`);
    return checked.value;
  } catch (error) {
    if (isConnectionError(error)) return null;
    if (isApiError(error) && error.code === 'NOT_FOUND') throw new ApiError('NODE_UNAVAILABLE', `${client.peer} restarted in the middle of the operation, which ended with it; look at what it was to change, and ask again`, { retry_after_ms: 5_000 });
    throw error;
  }
}
