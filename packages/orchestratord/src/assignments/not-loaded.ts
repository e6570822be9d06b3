import { ApiError } from '@corral/contracts';
import { suspended } from '../instances/suspended.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { InstanceState } from './lifecycle.js';

/** Whether tasks of the instance wait for its load: implicit ones and those of tier demand do. [G-03] */
function waits(record: InstanceRecord): boolean {
  return record.kind === 'implicit' || record.tier === 'demand';
}

/** The answer to a task of an explicit hot, warm or cold instance that is not ready; `null` where it may wait, or is served. [G-03 C-207] */
export function refusalOfInstance(record: InstanceRecord | undefined, stateOf: () => InstanceState): ApiError | null {
  if (record === undefined) return null;
  const name = `${record.orgId}/${record.instanceId}`;
  if (record.kind === 'explicit' && record.status === 'suspended') return suspended(record);
  if (waits(record)) return null;
  const { isReady, residency, retryAfterMs, lastError } = stateOf();
  if (isReady) return null;
  const isComing = residency === 'loading' || record.heldTier === 'hot' || record.heldTier === 'cold' || record.heldTier === 'demand';
  const why = lastError === null ? '' : ` (${lastError})`;
  return isComing
    ? notLoaded(`instance ${name} is ${residency} and on its way${why}`, 'send the request again after Retry-After', retryAfterMs)
    : notLoaded(`instance ${name} is ${residency}, not resident${why}`, `load it with POST /api/orgs/${record.orgId}/instances/${record.instanceId}/load`, retryAfterMs);
}

/** What waiting tasks of an instance are told that was taken from its place for `reason`; `null` where they go on waiting. */
export function leftError(record: InstanceRecord | undefined, reason: string, isUnload: boolean): ApiError | null {
  if (record === undefined || record.kind === 'implicit' || (waits(record) && !isUnload)) return null;
  return notLoaded(`instance ${record.orgId}/${record.instanceId} left its place while the task waited: ${reason}`, `load it with POST /api/orgs/${record.orgId}/instances/${record.instanceId}/load`, null);
}

function notLoaded(message: string, hint: string, retryAfterMs: number | null): ApiError {
  return new ApiError('INSTANCE_NOT_LOADED', message, { hint, retry_after_ms: retryAfterMs ?? 5_000 });
}
