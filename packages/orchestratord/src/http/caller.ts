import type { IncomingMessage } from 'node:http';
import { callerOf } from '@corral/service-kit';
import { DEFAULT_ORG } from '../store/open-store.js';

/** The organisation of whoever calls: until keys name others, the one that exists on every installation. [G-15] */
export function orgOf(req: IncomingMessage): string {
  callerOf(req);
  return DEFAULT_ORG;
}
