import type { IncomingMessage } from 'node:http';
import { correlationOf } from '@corral/service-kit';
import { accessOf } from '../access/principal.js';
import type { TaskCaller } from '../tasks/submit-task.js';

/** On whose behalf a task runs. */
export function taskCallerOf(req: IncomingMessage): TaskCaller {
  const { principal, allowedModels } = accessOf(req);
  return { orgId: principal.orgId, keyId: principal.keyId, allowedModels, correlationId: correlationOf(req) };
}

/** The organisation of whoever calls. [G-15] */
export function orgOf(req: IncomingMessage): string {
  return accessOf(req).principal.orgId;
}
