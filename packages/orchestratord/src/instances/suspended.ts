import { ApiError } from '@corral/contracts';
import type { InstanceKey } from '../store/instance-rows.js';

/** A suspended instance keeps everything, and serves and loads nothing. [B-152] */
export function suspended({ orgId, instanceId }: InstanceKey): ApiError {
  return new ApiError('CONFLICT', `instance ${instanceId} is suspended; resume it with PATCH /api/orgs/${orgId}/instances/${instanceId} {"status":"active"}`);
}
