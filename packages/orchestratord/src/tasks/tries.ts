import { ApiError, type ErrorCode } from '@corral/contracts';

/** One dispatch that ended before anything of it was shown. */
export interface Try {
  readonly nodeId: string;
  readonly poolId: string;
  readonly replicaId: string;
  readonly code: ErrorCode;
}

/** A failure with the tries before it, so that whoever reads it knows how often the task ran, and where. */
export function afterTries(error: ApiError, tries: readonly Try[]): ApiError {
  if (tries.length === 0) return error;
  const places = new Set(tries.map(({ nodeId, poolId, replicaId, code }) => `${replicaId} in ${poolId} on ${nodeId} (${code})`));
  const where = [...places].join(', ');
  const times = tries.length === 1 ? 'once' : `${tries.length} times`;
  return new ApiError(error.code, `the task was tried ${times}, on ${where}; ${error.message}`, error.details, { cause: error });
}
