import type { CatalogModel, Instance, ModelOnNode, NodeSummary, PoolStatus, ReplicaStatus } from '@corral/contracts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

/** A replica of `tiny` that serves, as a node reports it. */
export function aReplica(changes: Partial<ReplicaStatus> = {}): ReplicaStatus {
  return {
    replica_id: 'r1',
    pid: 1,
    model_id: 'tiny',
    digest: DIGEST,
    state: 'resident',
    context: 512,
    slots_total: 4,
    slots_free: 3,
    memory_bytes: 1_000,
    threads: 1,
    load_progress: null,
    ready_since_ms: 0,
    last_error: null,
    ...changes,
  };
}

/** A ready pool with one replica. */
export function aPool(changes: Partial<PoolStatus> = {}): PoolStatus {
  return {
    pool_id: 'p1',
    node_id: 'n1',
    device: 'cpu',
    device_kind: 'cpu',
    device_name: null,
    engine: 'llamacpp',
    engine_version: '3',
    live: true,
    ready: true,
    draining: false,
    last_error: null,
    memory_total_bytes: 10_000,
    memory_used_bytes: 1_000,
    replicas_max: null,
    slots_total: 4,
    slots_free: 3,
    active_leases: 1,
    replicas: [aReplica()],
    ...changes,
  };
}

/** A node that reports. */
export function aNode(changes: Partial<NodeSummary> = {}): NodeSummary {
  return {
    node_id: 'n1',
    address: 'http://127.0.0.1:9200',
    online: true,
    state: 'online',
    origin: 'registered',
    version: '0.1.0',
    last_heartbeat_ms: 1_500,
    consumer_connected: true,
    last_event_ms: null,
    pools: ['p1'],
    models: [],
    staging: null,
    last_error: null,
    ...changes,
  };
}

/** An instance of `tiny` that nobody has loaded. */
export function anInstance(changes: Partial<Instance> = {}): Instance {
  return {
    instance_id: 'bot',
    org_id: 'default',
    name: null,
    kind: 'explicit',
    origin: 'api',
    status: 'active',
    model: 'tiny',
    tier: 'cold',
    held_tier: null,
    ttl_s: null,
    config: {},
    config_hash: 'h',
    residency: 'on_disk',
    is_ready: false,
    node_id: null,
    pool_id: null,
    last_error: null,
    progress: null,
    estimated_ms: null,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    last_used_at: null,
    ...changes,
  };
}

/** A model on a node that has its file, verified, and nothing more. */
export function aModelOnNode(changes: Partial<ModelOnNode> = {}): ModelOnNode {
  return {
    node_id: 'n1',
    online: true,
    present: true,
    digest: DIGEST,
    size_bytes: 1_048_576,
    verification: { result: 'pass', reason: 'the digest is right' },
    last_verified_ms: 0,
    last_used_ms: null,
    pinned: false,
    resident: 0,
    staged: false,
    wanted: 0,
    ...changes,
  };
}

/** An active model of the manifest, on disk on one node. */
export function aCatalogModel(changes: Partial<CatalogModel> = {}): CatalogModel {
  return {
    id: 'tiny',
    state: 'Active',
    origin: 'manifest',
    sources: ['file:/srv/tiny.gguf'],
    digest: DIGEST,
    context: 512,
    slots: 4,
    pinned: false,
    tags: [],
    trust: { policy: null, signatures: [], sbom: null, manifests: [], warnings: [] },
    verification: { result: 'pass', reason: 'the digest is right' },
    last_verified_ms: 0,
    created_ms: 0,
    updated_ms: 0,
    retired_at_ms: null,
    drain_until_ms: null,
    size_bytes: 1_048_576,
    architecture: 'llama',
    quant: 'F16',
    train_context: 512,
    availability: [aModelOnNode()],
    forecast: [],
    ...changes,
  };
}
