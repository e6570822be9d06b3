import type { GenerateRequest } from '@corral/contracts';
import { isConnectionError, messageOf, newId } from '@corral/service-kit';
import type { HttpClient } from '@corral/service-kit';

/**
 * Asks a fresh worker for one token. Resolves when it came; rejects with what went wrong, or after `timeoutMs`.
 *
 * The last of the three gates: a model that loads and cannot generate never becomes ready. [C-11 C-15]
 */
export async function probeReplica(client: HttpClient, replicaId: string, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void> {
  try {
    await client.json('POST', '/generate', probeRequest(replicaId), { timeoutMs: options.timeoutMs, signal: options.signal });
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    const isLate = isConnectionError(error) && error.causeCode === 'REQUEST_TIMEOUT';
    const reason = isLate ? `no token came within ${options.timeoutMs} ms` : messageOf(error);
    throw new Error(`health check failed: ${reason}`, { cause: error });
  }
}

function probeRequest(replicaId: string): GenerateRequest {
  const id = newId('probe');
  return {
    task_id: id,
    correlation_id: id,
    replica_id: replicaId,
    prefix_scope: 'probe',
    input: { type: 'prompt', prompt: 'Hi' },
    sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, seed: 1, stop: [] },
    max_tokens: 1,
    overflow: 'truncate',
    output: { dialect: 'task', stream: false, include_usage: false, id, model: 'probe', created_s: 0 },
    deadlines: { first_token_ms: null, token_gap_ms: null, wall_ms: null },
    annotations: {},
  };
}
