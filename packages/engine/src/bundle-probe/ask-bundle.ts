import type { GenerateRequest } from '@corral/contracts';
import { createHttpClient, newId, type Log } from '@corral/service-kit';
import type { EngineBundleRef, EngineProvider, ReplicaSpec } from '../port.js';

export interface AskedBundle {
  readonly provider: Pick<EngineProvider, 'start'>;
  readonly bundle: EngineBundleRef;
  readonly spec: Omit<ReplicaSpec, 'bundle'>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What a replica answered. */
export interface BundleAnswer {
  readonly message: string;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly decode_time_ms: number;
}

/** Answers greedily; `wallMs` may be as long as the load. */
export type AskBundle = (prompt: string, maxTokens: number) => Promise<BundleAnswer>;

const ANSWER_MS = 120_000;
const STOP_MS = 2_000;

/** Starts a disposable replica of one bundle, hands it to `work`, and ends it whatever comes of that. */
export async function withBundle<T>({ provider, bundle, spec, log, signal }: AskedBundle, work: (ask: AskBundle) => Promise<T>): Promise<T> {
  const replica = await provider.start({ ...spec, bundle }, { signal, log });
  const client = createHttpClient({ socketPath: replica.socketPath, connections: spec.slots });
  try {
    return await work((prompt, maxTokens) => client.json<BundleAnswer>('POST', '/generate', requestOf(replica.replicaId, prompt, maxTokens), { signal, timeoutMs: ANSWER_MS }));
  } finally {
    await client.close();
    await replica.stop(signal.aborted ? 0 : STOP_MS);
  }
}

function requestOf(replicaId: string, prompt: string, maxTokens: number): GenerateRequest {
  const id = newId('probe');
  return {
    task_id: id,
    correlation_id: id,
    replica_id: replicaId,
    prefix_scope: id,
    input: { type: 'prompt', prompt },
    sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, seed: 1, stop: [] },
    max_tokens: maxTokens,
    overflow: 'truncate',
    output: { dialect: 'task', stream: false, include_usage: false, id, model: 'probe', created_s: 0 },
    deadlines: { first_token_ms: null, token_gap_ms: null, wall_ms: null },
    annotations: {},
  };
}
