import { aCatalogModel, aModelOnNode, aNode as anyNode, aPool as anyPool, aReplica as anyReplica } from '@corral/test-kit';
import type { CatalogModel, NodeSummary, PoolStatus, ReplicaStatus } from '@corral/contracts';

export const aReplica = (changes: Partial<ReplicaStatus> = {}): ReplicaStatus =>
  anyReplica({ pid: 41, model_id: 'smollm2', context: 2_048, memory_bytes: 157_286_400, ready_since_ms: 1_000, ...changes });

export const aPool = (changes: Partial<PoolStatus> = {}): PoolStatus =>
  anyPool({ pool_id: 'cpu', node_id: 'home', engine_version: '1', memory_total_bytes: 1_073_741_824, memory_used_bytes: 157_286_400, replicas: [], ...changes });

export const aNode = (changes: Partial<NodeSummary> = {}): NodeSummary => anyNode({ node_id: 'home', pools: ['cpu'], models: ['smollm2'], ...changes });

const UNCONFIRMED = { result: 'warn', reason: 'no digest was given' } as const;

export const aModel = (changes: Partial<CatalogModel> = {}): CatalogModel =>
  aCatalogModel({
    id: 'smollm2',
    origin: 'api',
    sources: ['hf:org/repo/m.gguf'],
    digest: null,
    context: 2_048,
    tags: ['small'],
    trust: { policy: null, signatures: [], sbom: null, manifests: [], warnings: ['it has no SBOM'] },
    verification: UNCONFIRMED,
    size_bytes: 98_362_432,
    quant: 'Q4_1',
    train_context: 8_192,
    availability: [aModelOnNode({ node_id: 'home', digest: null, size_bytes: 98_362_432, verification: UNCONFIRMED, resident: 1, staged: true, wanted: 1 })],
    forecast: [{ pool_id: 'cpu', node_id: 'home', device_kind: 'cpu', fits: true, weights_bytes: 104_857_600, kv_bytes_per_token: 23_040, required_bytes: 157_286_400, memory_bytes: 1_073_741_824, largest_context: 8_192, reason: 'needs 150 MiB of 1.0 GiB with 4 × 2048 tokens' }],
    ...changes,
  });

export const list = <T>(...data: T[]) => ({ data, next_cursor: null });

export const models = (...ids: string[]) => ({
  object: 'list',
  data: ids.map((id) => ({ id, object: 'model', created: 0, owned_by: 'default' })),
});

export const health = { status: 'ok', version: '0.1.0', incarnation: 'i1' };

export const accepted = (steps: readonly object[] = []) => ({
  task_id: 't1',
  correlation_id: 'c1',
  queue_position: 0,
  predicted_start_ms: 0,
  backoff_ms: null,
  streams: { sse: '/v2/tasks/t1/events', sse_verbose: '/v2/tasks/t1/events?verbose=true' },
  preparation: { steps },
});

export const started = { type: 'started', task_id: 't1', queue_position: 0, predicted_start_ms: 0, seed: 7 } as const;

export const end = { type: 'end', tokens_in: 9, tokens_out: 2, decode_time_ms: 5, decode_ms: 5, finish_reason: 'stop' } as const;
