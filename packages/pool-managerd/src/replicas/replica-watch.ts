import type { POOL_MANAGERD_METRICS } from '@corral/contracts';
import type { Log, Metrics } from '@corral/service-kit';
import { isCrash } from './failure.js';
import { narrate } from './narration.js';
import type { ReplicaChange } from './replica-set-options.js';
import type { Breaker } from './restart-record.js';

export interface ReplicaWatchOptions {
  readonly log: Log;
  readonly metrics: Metrics<typeof POOL_MANAGERD_METRICS>;
  readonly engine: { readonly name: string; readonly version: string };
}

/** The one place that logs and counts what happens to replicas and their breakers. [H-11] */
export function replicaWatch({ log, metrics, engine }: ReplicaWatchOptions): (change: ReplicaChange) => void {
  return (change) => {
    const { from, to } = change;
    // Progress is a fact of a state, not a change of it.
    if (from?.phase.state !== to?.phase.state) {
      count(change, metrics, engine.name);
      const human = narrate(from, to, change.cause);
      const fields = { ...fieldsOf(change), engine: engine.name, engine_version: engine.version, ...(human === null ? {} : { human }) };
      if (to?.phase.state === 'failed') log.warn('replica changed', fields);
      else log.info('replica changed', fields);
    }
    tellBreaker(change, { log, metrics });
  };
}

/** A breaker belongs to a model in a pool; a replica that comes or goes with it changes nothing. */
function tellBreaker({ from, to, cause }: ReplicaChange, { log, metrics }: Pick<ReplicaWatchOptions, 'log' | 'metrics'>): void {
  if (from === null || to === null || from.restart.breaker === to.restart.breaker) return;
  const [before, breaker]: [Breaker, Breaker] = [from.restart.breaker, to.restart.breaker];
  const { poolId: pool_id, replicaId: replica_id, modelId: model_id, restart } = to;
  const fields = { pool_id, replica_id, model_id, from: before.state, to: breaker.state, failures: restart.failures, restart_count: restart.restarts };
  if (breaker.state !== 'open') return log.info('breaker changed', { ...fields, cause });
  metrics.inc('circuit_breaker_open_total', { pool_id });
  if (breaker.cause === 'storm') metrics.inc('restart_storm_total', { pool_id });
  log.warn('breaker changed', { ...fields, cause: breaker.cause, open_ms: breaker.openMs, last_error: restart.last?.message, human: `${model_id} keeps failing and is left alone for a while.` });
}

function fieldsOf({ from, to, cause, leases }: ReplicaChange): object {
  const replica = to ?? from;
  if (replica === null) return {};
  const { poolId, replicaId, modelId, digest, memoryBytes, contextTokens, slots, threads, restart } = replica;
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
    ...(restart.last === null ? {} : { failures: restart.failures, restart_count: restart.restarts }),
    ...(failed === null ? {} : { reason: failed.failure.reason, last_error: failed.failure.message, backoff_ms: failed.retryAtMs === null ? null : Math.round(failed.retryAtMs - failed.sinceMs) }),
  };
}

function count({ from, to, leases }: ReplicaChange, metrics: ReplicaWatchOptions['metrics'], engine: string): void {
  const pool_id = (to ?? from)?.poolId ?? '';
  if (from?.phase.state === 'waiting' && to?.phase.state === 'loading' && to.restart.last !== null) metrics.inc('pool_restart_total', { pool_id, reason: to.restart.last.reason });
  if (from?.phase.state === 'loading' && to?.phase.state === 'resident') {
    metrics.inc('pool_preload_success_total', { pool_id, engine });
    metrics.observe('pool_replica_load_duration_ms', { pool_id }, to.phase.sinceMs - from.phase.sinceMs);
  }
  // One that begins in this state only shows what was counted before.
  if (from !== null && to?.phase.state === 'failed') {
    const { failure, retryAtMs, sinceMs } = to.phase;
    if (failure.kind !== 'crash') metrics.inc('pool_preload_failure_total', { pool_id, engine, reason: failure.kind });
    if (isCrash(failure)) metrics.inc('engine_crash_total', { pool_id, reason: failure.reason });
    if (failure.reason === 'device') metrics.inc('driver_reset_total', { pool_id });
    if (retryAtMs !== null) metrics.observe('backoff_delay_ms', { pool_id }, retryAtMs - sinceMs);
  }
  if (from?.phase.state === 'draining' && to?.phase.state === 'stopping') metrics.inc('pool_drain_total', { pool_id, outcome: leases > 0 ? 'forced' : 'finished' });
}
