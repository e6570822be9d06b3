/** Path into a document: `/stage/max_bytes` as its keys. */
export function keysOf(pointer: string): readonly string[] {
  return pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The same path as people write it: `stage.max_bytes`. */
export function dotted(pointer: string): string {
  return keysOf(pointer).join('.');
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Puts a value at a path and makes the objects on the way. */
export function setAt(target: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const last = keys.at(-1);
  if (last === undefined) throw new Error('a setting needs a name');
  let node = target;
  for (const key of keys.slice(0, -1)) {
    const child = node[key];
    node = isPlainObject(child) ? child : ((node[key] = {}) as Record<string, unknown>);
  }
  node[last] = value;
}
