import type { AssignmentStatus, ModelSpec } from '@corral/contracts';
import { messageOf } from '@corral/service-kit';
import type { Replica } from '../replicas/replica.js';
import { lookAtLoad } from './load-change.js';
import { takenBack, until } from './pool-operation-parts.js';
import type { PoolJob, PoolOperationParts } from './pool-operation-parts.js';

export interface PreloadResult {
  readonly pool_id: string;
  readonly replicas: readonly { readonly replica_id: string; readonly model_id: string; readonly pid: number | null }[];
}

/**
 * Puts a pool into service: a drain ends, what is wanted of it is loaded, and these models beside that. Nothing makes room
 * for them. Rejects with CONFLICT and the reason where one cannot be loaded; the others stay. [C-10 C-11 C-16]
 */
export async function preloadPool(parts: PoolOperationParts, job: PoolJob, { models, assignments }: { readonly models: readonly ModelSpec[]; readonly assignments: () => readonly AssignmentStatus[] }): Promise<PreloadResult> {
  const { changes, clock, pools } = parts;
  const { poolId, operationId } = job;
  pools.endDrain(poolId);
  const failures: string[] = [];
  const loaded: Replica[] = [];
  for (const [n, model] of models.entries()) {
    const id = `${operationId}.${n}`;
    const wish = changes.add({ operationId: id, kind: 'preload', poolId, model, replaces: null, deadlineMs: Number.MAX_SAFE_INTEGER });
    try {
      loaded.push(await until({ clock, signal: job.signal }, () => lookAtLoad(parts, job, wish)));
      changes.done(id, parts.keyOfEntry);
    } catch (error) {
      changes.remove(id);
      job.signal.throwIfAborted();
      failures.push(messageOf(error));
    }
  }
  failures.push(...(await settled(parts, job, assignments)));
  if (failures.length > 0) throw takenBack(failures.join('; '), poolId);
  const resident = parts.replicas.inPool(poolId).filter(({ phase }) => phase.state === 'resident');
  return { pool_id: poolId, replicas: resident.map(({ replicaId, modelId, phase }) => ({ replica_id: replicaId, model_id: modelId, pid: 'pid' in phase ? phase.pid : null })) };
}

/** Waits until everything that is wanted resident there is, or has failed. Returns why. */
async function settled({ clock, pools }: PoolOperationParts, { poolId, step, signal }: PoolJob, assignments: () => readonly AssignmentStatus[]): Promise<readonly string[]> {
  return until({ clock, signal }, () => {
    if (pools.get(poolId)?.drainDeadlineMs !== null) throw takenBack(`pool ${poolId} was drained meanwhile`, poolId);
    const mine = assignments();
    const pending = mine.filter(({ residency, last_error }) => residency !== 'resident' && residency !== 'failed' && last_error === null);
    if (pending.length === 0) return mine.flatMap(({ instance_id, last_error, residency }) => (residency === 'resident' ? [] : [`${instance_id}: ${last_error ?? 'not loaded'}`]));
    step({ phase: 'loading', fraction: mine.length === 0 ? null : 1 - pending.length / mine.length, detail: `${pending.length} of ${mine.length} instances are not there yet` });
    return null;
  });
}
