import type { NodeSummary, PoolStatus, ReplicaStatus } from '@corral/contracts';

export function aReplica(changes: Partial<ReplicaStatus> = {}): ReplicaStatus {
  return {
    replica_id: 'r1',
    pid: 41,
    model_id: 'smollm2',
    digest: `sha256:${'a'.repeat(64)}`,
    state: 'resident',
    context: 2_048,
    slots_total: 4,
    slots_free: 3,
    memory_bytes: 157_286_400,
    threads: 1,
    load_progress: null,
    ready_since_ms: 1_000,
    last_error: null,
    ...changes,
  };
}

export function aPool(changes: Partial<PoolStatus> = {}): PoolStatus {
  return {
    pool_id: 'cpu',
    node_id: 'home',
    device: 'cpu',
    device_kind: 'cpu',
    device_name: null,
    engine: 'llamacpp',
    engine_version: '1',
    live: true,
    ready: true,
    draining: false,
    last_error: null,
    memory_total_bytes: 1_073_741_824,
    memory_used_bytes: 157_286_400,
    replicas_max: null,
    slots_total: 4,
    slots_free: 3,
    active_leases: 1,
    replicas: [],
    ...changes,
  };
}

export function aNode(changes: Partial<NodeSummary> = {}): NodeSummary {
  return {
    node_id: 'home',
    address: 'http://127.0.0.1:9200',
    online: true,
    state: 'online',
    origin: 'registered',
    version: '0.1.0',
    last_heartbeat_ms: 1_500,
    consumer_connected: true,
    last_event_ms: null,
    pools: ['cpu'],
    models: ['smollm2'],
    staging: null,
    last_error: null,
    ...changes,
  };
}

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
