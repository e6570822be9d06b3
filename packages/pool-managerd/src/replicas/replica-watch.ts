import type { POOL_MANAGERD_METRICS } from '@corral/contracts';
import type { Log, Metrics } from '@corral/service-kit';
import { narrate } from './narration.js';
import type { ReplicaChange } from './replica-set.js';

export interface ReplicaWatchOptions {
  readonly log: Log;
  readonly metrics: Metrics<typeof POOL_MANAGERD_METRICS>;
  readonly engine: { readonly name: string; readonly version: string };
}

/** The one place that logs and counts what happens to replicas. [H-11] */
export function replicaWatch({ log, metrics, engine }: ReplicaWatchOptions): (change: ReplicaChange) => void {
  return (change) => {
    const { from, to } = change;
    // Progress is a fact of a state, not a change of it.
    if (from?.phase.state === to?.phase.state) return;
    count(change, metrics, engine.name);
    const human = narrate(from, to, change.cause);
    const fields = { ...fieldsOf(change), engine: engine.name, engine_version: engine.version, ...(human === null ? {} : { human }) };
    if (to?.phase.state === 'failed') log.warn('replica changed', fields);
    else log.info('replica changed', fields);
  };
}

function fieldsOf({ from, to, cause, leases }: ReplicaChange): object {
  const replica = to ?? from;
  if (replica === null) return {};
  const { poolId, replicaId, modelId, digest, memoryBytes, contextTokens, slots, threads, failures } = replica;
  const failed = to?.phase.state === 'failed' ? to.phase : null;
  return {
    pool_id: poolId,
    replica_id: replicaId,
    model_id: modelId,
    from: from?.phase.state ?? 'none',
    to: to?.phase.state ?? 'none',
    cause,
    digest,
    memory_bytes: memoryBytes,
    context: contextTokens,
    slots,
    threads,
    ...(leases > 0 ? { leases } : {}),
    ...(to !== null && 'pid' in to.phase ? { pid: to.phase.pid } : {}),
    ...(failures > 0 ? { restart_count: failures } : {}),
    ...(failed === null ? {} : { last_error: failed.failure.message, backoff_ms: failed.retryAtMs === null ? null : Math.round(failed.retryAtMs - failed.sinceMs) }),
  };
}

function count({ from, to, leases }: ReplicaChange, metrics: ReplicaWatchOptions['metrics'], engine: string): void {
  const pool_id = (to ?? from)?.poolId ?? '';
  if (from?.phase.state === 'loading' && to?.phase.state === 'resident') {
    metrics.inc('pool_preload_success_total', { pool_id, engine });
    metrics.observe('pool_replica_load_duration_ms', { pool_id }, to.phase.sinceMs - from.phase.sinceMs);
  }
  if (to?.phase.state === 'failed') {
    if (to.phase.failure.kind === 'crash') metrics.inc('engine_crash_total', { pool_id, reason: 'exit' });
    else metrics.inc('pool_preload_failure_total', { pool_id, engine, reason: to.phase.failure.kind });
  }
  if (from?.phase.state === 'draining' && to?.phase.state === 'stopping') metrics.inc('pool_drain_total', { pool_id, outcome: leases > 0 ? 'forced' : 'finished' });
}
