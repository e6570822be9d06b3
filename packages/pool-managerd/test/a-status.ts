import type { AssignmentStatus } from '@corral/contracts';

/** Instance `name` in pool p1, generation 1, absent, unless told otherwise. */
export function aStatus(name: string, over: Partial<AssignmentStatus> = {}): AssignmentStatus {
  return { instance_id: name, org_id: 'default', generation: 1, pool_id: 'p1', residency: 'absent', replica_id: null, last_error: null, progress: null, ...over };
}
