interface ValueSpec {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}
interface HistogramSpec {
  readonly type: 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
}
export type MetricSpec = ValueSpec | HistogramSpec;
export type MetricsContract = Readonly<Record<string, MetricSpec>>;

const FIRST_TOKEN_BUCKETS = [50, 100, 150, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000] as const;
const DECODE_BUCKETS = [250, 500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000] as const;
const LOAD_BUCKETS = [100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000] as const;
const BACKOFF_BUCKETS = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 120_000, 300_000, 3_600_000] as const;
const RELOAD_BUCKETS = [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;
const TASK = ['engine', 'engine_version', 'pool_id', 'replica_id', 'priority'] as const;

/** Series of orchestratord. Names and labels are a contract. [H-01] */
export const ORCHESTRATORD_METRICS = {
  tasks_enqueued_total: { type: 'counter', help: 'Tasks that entered a queue.', labels: TASK },
  tasks_started_total: { type: 'counter', help: 'Tasks sent to a replica.', labels: TASK },
  tasks_canceled_total: { type: 'counter', help: 'Tasks that were canceled or cut by a deadline.', labels: ['engine', 'engine_version', 'pool_id', 'replica_id', 'reason'] },
  tasks_finished_total: { type: 'counter', help: 'Tasks by how they ended.', labels: ['pool_id', 'outcome'] },
  tasks_rejected_total: { type: 'counter', help: 'Tasks refused before they were queued.', labels: ['engine', 'reason'] },
  tokens_in_total: { type: 'counter', help: 'Prompt tokens read.', labels: ['engine', 'engine_version', 'pool_id', 'replica_id'] },
  tokens_out_total: { type: 'counter', help: 'Tokens sampled.', labels: ['engine', 'engine_version', 'pool_id', 'replica_id'] },
  admission_backpressure_events_total: { type: 'counter', help: 'Full queues met by a newcomer, by policy.', labels: ['engine', 'policy'] },
  placement_decisions_total: { type: 'counter', help: 'Answers of decide().', labels: ['outcome', 'pinned', 'fallback'] },
  placement_candidates_considered: { type: 'gauge', help: 'Pools that the last decision looked at.', labels: [] },
  queue_depth: { type: 'gauge', help: 'Tasks waiting, by pool and class.', labels: ['engine', 'engine_version', 'pool_id', 'priority'] },
  latency_first_token_ms: { type: 'histogram', help: 'Admission to first token.', labels: ['engine', 'engine_version', 'pool_id', 'priority'], buckets: FIRST_TOKEN_BUCKETS },
  latency_decode_ms: { type: 'histogram', help: 'First to last token.', labels: ['engine', 'engine_version', 'pool_id', 'priority'], buckets: DECODE_BUCKETS },
  sse_backpressure_drops_total: { type: 'counter', help: 'Streams cut because their client read too slowly, and metrics frames dropped for it.', labels: [] },
  active_leases: { type: 'gauge', help: 'Tasks on the replicas of a pool.', labels: ['pool_id'] },
  pool_ready: { type: 'gauge', help: '1 when the pool may receive work.', labels: ['pool_id'] },
  model_state: { type: 'gauge', help: '1 for the state that is meant for the model, Active or Retired; model_id other counts those beyond the first 512.', labels: ['model_id', 'state'] },
  model_residency: { type: 'gauge', help: '1 for how far the model is from being served, once it was asked for: none, fetching, waiting, loading, resident, failed, impossible.', labels: ['model_id', 'state'] },
  catalog_verifications_total: { type: 'counter', help: 'Verifications that were asked for, by what they found.', labels: ['result', 'reason', 'engine'] },
  orchd_node_registrations_total: { type: 'counter', help: 'Registrations of nodes.', labels: ['outcome'] },
  orchd_node_deregistrations_total: { type: 'counter', help: 'Deregistrations of nodes.', labels: ['outcome'] },
  orchd_node_heartbeats_total: { type: 'counter', help: 'Heartbeats received.', labels: ['node_id', 'outcome'] },
  orchd_nodes_online: { type: 'gauge', help: 'Nodes that reported in time.', labels: [] },
  orchd_pools_available: { type: 'gauge', help: '1 when the pool is ready on an online node.', labels: ['pool_id'] },
  instances: { type: 'gauge', help: 'Instances by wished tier.', labels: ['tier'] },
  instance_residency: { type: 'gauge', help: 'Instances by where they really are.', labels: ['state'] },
  instance_load_duration_ms: { type: 'histogram', help: 'Load asked for to resident, by where the weights were.', labels: ['from'], buckets: LOAD_BUCKETS },
  instance_evictions_total: { type: 'counter', help: 'Replicas that made room, by reason.', labels: ['reason'] },
  events_published_total: { type: 'counter', help: 'Events handed to the bus.', labels: ['type', 'outcome'] },
  events_consumed_total: { type: 'counter', help: 'Events read from the bus.', labels: ['type', 'outcome'] },
  manifest_reloads_total: { type: 'counter', help: 'Manifest reloads by what asked for them and how they ended.', labels: ['source', 'outcome'] },
  manifest_reload_duration_ms: { type: 'histogram', help: 'Manifest reloads that succeeded, from the request to the switch.', labels: [], buckets: RELOAD_BUCKETS },
  binding_requests_total: { type: 'counter', help: 'Requests of a binding of the manifest over all its versions: received, then dispatched or failed.', labels: ['binding', 'event'] },
  binding_in_flight: { type: 'gauge', help: 'Requests that any version of a binding accepted and that have not ended.', labels: ['binding'] },
  binding_version: { type: 'gauge', help: 'The version of a binding that takes new requests.', labels: ['binding'] },
  event_bus_connected: { type: 'gauge', help: '1 while events can be published: the broker is connected or, without one, the last delivery worked.', labels: [] },
} as const satisfies MetricsContract;

/** Series of pool-managerd. */
export const POOL_MANAGERD_METRICS = {
  pool_preload_success_total: { type: 'counter', help: 'Loads that ended ready.', labels: ['pool_id', 'engine'] },
  pool_preload_failure_total: { type: 'counter', help: 'Loads that failed.', labels: ['pool_id', 'engine', 'reason'] },
  pool_drain_total: { type: 'counter', help: 'Drains of pools and replicas.', labels: ['pool_id', 'outcome'] },
  pool_reload_total: { type: 'counter', help: 'Replicas that were to be replaced by another model, shape or engine, by how that ended.', labels: ['pool_id', 'outcome'] },
  pool_reload_duration_ms: { type: 'histogram', help: 'From the wish for another replica to its readiness.', labels: ['pool_id'], buckets: LOAD_BUCKETS },
  pool_restart_total: { type: 'counter', help: 'Engine workers that were started again after a failure, by what had failed.', labels: ['pool_id', 'reason'] },
  engine_crash_total: { type: 'counter', help: 'Engine workers that ended by themselves or had to be killed, by how.', labels: ['pool_id', 'reason'] },
  driver_reset_total: { type: 'counter', help: 'Engine workers that ended because the driver lost or reset their device.', labels: ['pool_id'] },
  circuit_breaker_open_total: { type: 'counter', help: 'Times that the breaker of a model opened.', labels: ['pool_id'] },
  circuit_breaker_state: { type: 'gauge', help: 'The worst breaker of the models of a pool: 0 closed, 1 open, 2 half-open.', labels: ['pool_id'] },
  restart_storm_total: { type: 'counter', help: 'Breakers that opened because of too many restarts in a short time.', labels: ['pool_id'] },
  backoff_delay_ms: { type: 'histogram', help: 'Waits before an engine worker is started again.', labels: ['pool_id'], buckets: BACKOFF_BUCKETS },
  pool_health_checks_total: { type: 'counter', help: 'Health checks of resident engine workers, by outcome.', labels: ['pool_id', 'outcome'] },
  pool_idle_workers: { type: 'gauge', help: 'Initialised engine workers without a model, ready for the next load.', labels: ['pool_id'] },
  pool_slots_total: { type: 'gauge', help: 'Slots of the replicas of a pool.', labels: ['pool_id'] },
  pool_slots_free: { type: 'gauge', help: 'Free slots of the replicas of a pool.', labels: ['pool_id'] },
  pool_active_leases: { type: 'gauge', help: 'Requests on the replicas of a pool.', labels: ['pool_id'] },
  pool_ready: { type: 'gauge', help: '1 when the pool may receive work.', labels: ['pool_id'] },
  pool_vram_total_bytes: { type: 'gauge', help: 'Device memory that the pool may use.', labels: ['pool_id'] },
  pool_vram_free_bytes: { type: 'gauge', help: 'Device memory of the pool that nothing holds.', labels: ['pool_id'] },
  pool_replica_load_duration_ms: { type: 'histogram', help: 'Start of an engine worker to ready.', labels: ['pool_id'], buckets: LOAD_BUCKETS },
  model_fetch_bytes_total: { type: 'counter', help: 'Bytes fetched, by scheme.', labels: ['scheme'] },
  model_fetch_total: { type: 'counter', help: 'Models made present, by outcome.', labels: ['outcome'] },
  model_cache_hits: { type: 'counter', help: 'Loads that began with a staged model.', labels: [] },
  model_cache_misses: { type: 'counter', help: 'Loads that began with a model that was not staged.', labels: [] },
  model_cache_size_bytes: { type: 'gauge', help: 'Bytes of the staging area that are used.', labels: [] },
  model_cache_entries: { type: 'gauge', help: 'Staged models.', labels: [] },
  model_cache_evictions_total: { type: 'counter', help: 'Staged models that left the staging area, by reason.', labels: ['reason'] },
  model_cache_stage_duration_ms: { type: 'histogram', help: 'Begin of a copy into the staging area to verified.', labels: [], buckets: LOAD_BUCKETS },
  catalog_gc_runs_total: { type: 'counter', help: 'Passes of the garbage collection, by outcome.', labels: ['outcome'] },
  catalog_gc_deleted_total: { type: 'counter', help: 'Models and engine bundles that garbage collection deleted, by rule.', labels: ['rule'] },
  catalog_gc_freed_bytes_total: { type: 'counter', help: 'Bytes that garbage collection freed, by rule.', labels: ['rule'] },
  catalog_gc_pressure_unresolved: { type: 'gauge', help: '1 when the last pass left a threshold of the disk broken: nothing more may be deleted.', labels: [] },
  catalog_disk_used_percent: { type: 'gauge', help: 'Percent of the disk of the models directory that is used.', labels: [] },
  catalog_disk_free_bytes: { type: 'gauge', help: 'Bytes that can still be written to the disk of the models directory.', labels: [] },
  events_consumed_total: { type: 'counter', help: 'Events read from the bus.', labels: ['type', 'outcome'] },
  events_published_total: { type: 'counter', help: 'Events reported to the control plane.', labels: ['type', 'outcome'] },
} as const satisfies MetricsContract;
