import type { ModelSpec, ReplicaModel } from '@corral/contracts';
import type { Replica } from '../replicas/replica.js';
import { lookAtLoad } from './load-change.js';
import { replicaIn, takenBack, until } from './pool-operation-parts.js';
import type { PoolJob, PoolOperationParts } from './pool-operation-parts.js';

export interface ReloadPlan {
  readonly model: ModelSpec;
  /** `null` where nothing is loaded. */
  readonly from: Replica | null;
  readonly graceMs: number;
}

export interface ReloadResult {
  readonly pool_id: string;
  readonly replica_id: string;
  readonly model_id: string;
  readonly previous_model_id: string | null;
  /** `unchanged`: it was loaded already. */
  readonly mode: 'beside' | 'drained_first' | 'unchanged';
  readonly duration_ms: number;
}

/** How long the old model may take to serve again after a reload that failed. */
const RESTORE_MS = 300_000;

/**
 * Replaces one replica by one of another model: beside it where both fit, else after it has drained. Where that fails, the
 * old model serves as before, and the operation says why. [C-40 C-41 C-42 C-43]
 */
export async function reloadPool(parts: PoolOperationParts, job: PoolJob, { model, from, graceMs }: ReloadPlan): Promise<ReloadResult> {
  const { changes, clock } = parts;
  const { poolId, operationId } = job;
  const begunMs = clock.monotonicMs();
  const ended = (replica: Replica, mode: ReloadResult['mode']): ReloadResult => ({ pool_id: poolId, replica_id: replica.replicaId, model_id: replica.modelId, previous_model_id: from?.modelId ?? null, mode, duration_ms: Math.round(clock.monotonicMs() - begunMs) });
  if (from !== null && isSame(from, model)) return ended(from, 'unchanged');
  const wish = changes.add({ operationId, kind: 'reload', poolId, model, replaces: from === null ? null : { key: from.key, model: modelOf(from) }, deadlineMs: begunMs + graceMs });
  let drainedFirst = false;
  try {
    const replica = await until({ clock, signal: job.signal }, () => {
      const seen = lookAtLoad(parts, job, wish);
      if (seen !== null || from === null) return seen;
      const state = replicaIn(parts, poolId, from.key)?.phase.state;
      drainedFirst ||= state === 'draining' || state === undefined;
      if (state === 'draining') abortWhenLate(parts, job, { from, deadlineMs: wish.deadlineMs });
      return null;
    });
    if (replica.key === from?.key) {
      changes.remove(operationId);
      return ended(replica, 'unchanged');
    }
    changes.done(operationId, parts.keyOfEntry);
    await until({ clock, signal: job.signal }, () => {
      const old = from === null ? undefined : replicaIn(parts, poolId, from.key);
      job.step({ phase: 'draining', fraction: null, detail: `${from?.modelId ?? 'nothing'} leaves` });
      return old === undefined || (old.phase.state !== 'resident' && old.phase.state !== 'draining') ? old?.phase.state ?? 'gone' : null;
    });
    return ended(replica, drainedFirst ? 'drained_first' : 'beside');
  } catch (error) {
    changes.remove(operationId);
    if (from !== null && !job.signal.aborted) await restored(parts, job, from);
    throw error;
  }
}

/** Nothing was stopped yet: the replica is wanted again, and goes on. [C-41] */
function abortWhenLate({ replicas, clock }: PoolOperationParts, { poolId, step }: PoolJob, { from, deadlineMs }: { readonly from: Replica; readonly deadlineMs: number }): void {
  const leases = replicas.leases(from.replicaId);
  step({ phase: 'draining', fraction: null, detail: `${leases} requests run on ${from.modelId}` });
  if (leases > 0 && clock.monotonicMs() >= deadlineMs) throw takenBack(`${leases} requests on ${from.modelId} did not end before the deadline, so it goes on; reload the pool with a later deadline_ms`, poolId);
}

async function restored(parts: PoolOperationParts, { poolId, step, signal }: PoolJob, from: Replica): Promise<void> {
  const { clock } = parts;
  const giveUpMs = clock.monotonicMs() + RESTORE_MS;
  step({ phase: 'rolling_back', fraction: null, detail: `${from.modelId} is to serve again` });
  await until({ clock, signal }, () => {
    const state = replicaIn(parts, poolId, from.key)?.phase.state;
    const isClosed = parts.pools.get(poolId)?.drainDeadlineMs !== null;
    return state === 'resident' || state === 'failed' || isClosed || clock.monotonicMs() > giveUpMs ? true : null;
  });
}

function isSame(replica: Replica, { model_id, digest, context, slots }: ModelSpec): boolean {
  return replica.modelId === model_id && (digest === null || digest === replica.digest) && context === replica.contextTokens && slots === replica.slots;
}

function modelOf({ modelId, digest, contextTokens, slots }: Replica): ReplicaModel {
  return { model_id: modelId, digest, context: contextTokens, slots };
}
