import type { AssignmentStatus, EventData, EventEnvelope, EventType, NodeModel, NodeState, PoolStatus, RegisterRequest, ReplicaStatus } from '@corral/contracts';
import { assignmentsHash } from '@corral/contracts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

export function aReplicaStatus(over: Partial<ReplicaStatus> = {}): ReplicaStatus {
  return {
    replica_id: 'r1', pid: 100, model_id: 'smollm2', digest: DIGEST, state: 'resident', context: 2_048, slots_total: 4, slots_free: 4,
    memory_bytes: 200, threads: 1, load_progress: null, ready_since_ms: 0, last_error: null, ...over,
  };
}

export function aPoolStatus(over: Partial<PoolStatus> = {}): PoolStatus {
  return {
    pool_id: 'n1-cpu', node_id: 'n1', device: 'cpu', device_kind: 'cpu', device_name: 'CPU', engine: 'llamacpp', engine_version: '3.22.1',
    live: true, ready: true, draining: false, last_error: null, memory_total_bytes: 1_000, memory_used_bytes: 0, replicas_max: null,
    slots_total: 0, slots_free: 0, active_leases: 0, replicas: [], ...over,
  };
}

/** A model that takes `bytes` of device memory on a cpu pool, however many slots it has. */
export function aNodeModel(modelId = 'smollm2', bytes = 200, over: Partial<NodeModel> = {}): NodeModel {
  const memory = { weights_device_bytes: bytes, weights_host_bytes: 0, context_base_bytes: 0, context_per_cell_bytes: 0 };
  return {
    model_id: modelId, digest: DIGEST, size_bytes: bytes, lifecycle: 'Active', pinned: false, verification: { result: 'pass', reason: 'the file has the expected digest' },
    last_verified_ms: 1, created_ms: 1, last_used_ms: null, retired_at_ms: null, external: false,
    facts: { architecture: 'llama', name: null, quant: null, layers: 2, embedding_length: 8, vocab_size: 10, train_context: 8_192, has_chat_template: true, memory: { cpu: memory } },
    ...over,
  };
}

export function aNodeState(over: Partial<NodeState> = {}): NodeState {
  const node_id = over.node_id ?? 'n1';
  return {
    node_id, incarnation: 'i1', version: '0.1.0', sent_at: '2026-01-01T00:00:00.000Z', seq: 1, pools: [aPoolStatus({ node_id, pool_id: `${node_id}-cpu` })],
    models: [], assignments: [], assignments_hash: assignmentsHash([]), staging: null, bytes_per_s: { staged: null, on_disk: null, network: null }, ...over,
  };
}

export function aRegistration(over: Partial<NodeState> = {}, address = 'http://127.0.0.1:9200'): RegisterRequest {
  const state = aNodeState(over);
  return { node_id: state.node_id, machine_id: 'm1', address, state, capabilities: { gpus: [] }, version: '0.1.0' };
}

export function anAssignmentStatus(over: Partial<AssignmentStatus> = {}): AssignmentStatus {
  return { instance_id: 'model.smollm2', org_id: 'default', generation: 1, pool_id: 'n1-cpu', residency: 'resident', replica_id: 'r1', last_error: null, progress: null, ...over };
}

let events = 0;
export function anEvent<T extends EventType>(type: T, data: EventData<T>, time = '2026-01-01T00:00:01.000Z'): EventEnvelope<T> {
  return { specversion: '1.0', id: `event-${events++}`, type, source: 'pool-managerd/n1', time, datacontenttype: 'application/json', data } as EventEnvelope<T>;
}

export function anOutcome(over: Partial<EventData<'instance.loaded'>> = {}): EventData<'instance.loaded'> {
  return { ...anAssignmentStatus(), node_id: 'n1', duration_ms: 1_000, reason: null, ...over };
}
