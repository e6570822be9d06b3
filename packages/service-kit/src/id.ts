import { randomUUID } from 'node:crypto';

/** A fresh UUIDv4, after `<prefix>-` when one is given. */
export function newId(prefix?: string): string {
  return prefix === undefined ? randomUUID() : `${prefix}-${randomUUID()}`;
}
