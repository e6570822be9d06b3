import type { IncomingMessage } from 'node:http';
import { callerOf } from '@corral/service-kit';

/** The organisation that everything belongs to until organisations have keys. [G-15] */
export const DEFAULT_ORG = 'default';

/** The organisation of whoever calls. */
export function orgOf(req: IncomingMessage): string {
  callerOf(req);
  return DEFAULT_ORG;
}
