import type { Instance, InstanceConfig, InstanceEvent } from '@corral/contracts';
import type { InstanceState } from '../assignments/lifecycle.js';
import type { InstanceHappening } from '../store/instance-event-rows.js';
import type { InstanceRecord } from '../store/instance-rows.js';

/** An instance as clients see it. */
export function instanceView(record: InstanceRecord, state: InstanceState): Instance {
  return {
    instance_id: record.instanceId,
    org_id: record.orgId,
    name: record.name,
    kind: record.kind,
    origin: record.origin,
    status: record.deletedAtMs === null ? record.status : 'deleted',
    model: record.modelRef,
    tier: record.tier,
    held_tier: record.heldTier,
    ttl_s: record.ttlS,
    config: record.config as InstanceConfig,
    config_hash: record.configHash,
    residency: state.residency,
    is_ready: state.isReady,
    node_id: state.nodeId,
    pool_id: state.poolId,
    last_error: state.lastError,
    progress: state.progress,
    estimated_ms: state.estimatedMs === null ? null : Math.max(0, Math.round(state.estimatedMs)),
    created_at: timeOf(record.createdAtMs),
    updated_at: timeOf(record.updatedAtMs),
    last_used_at: record.lastUsedAtMs === null ? null : timeOf(record.lastUsedAtMs),
  };
}

export function happeningView({ atMs, type, reason, durationMs, steps }: InstanceHappening): InstanceEvent {
  return { at: timeOf(atMs), type, reason, duration_ms: durationMs, steps: [...steps] };
}

function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
