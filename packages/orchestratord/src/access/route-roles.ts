import type { Role } from '@corral/contracts';

/** Whose paths begin so; what no line names is for system_admins. */
const MEMBERS = ['/v1/', '/v2/tasks', '/v2/meta/', '/openapi.json', '/docs', '/api/orgs/', '/api/chat/'] as const;

/**
 * The least role for a path. Paths below an org are open to every member here: their handlers ask for the org, and for
 * the role within it. Compared without regard to case, as the router does. [B-116 B-133]
 */
export function roleFor(path: string): Role {
  const plain = path.toLowerCase();
  return MEMBERS.some((start) => plain === start.replace(/\/$/, '') || plain.startsWith(start.endsWith('/') ? start : `${start}/`)) ? 'member' : 'system_admin';
}
