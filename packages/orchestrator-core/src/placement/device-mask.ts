/**
 * Writes a device mask in one way: without spaces, the pool's own device kind, and repetitions, in ascending order.
 *
 * With kind `cuda`, `cuda:1, cuda:0` and `0,1` are the same mask; a kind that is not the pool's stays, and so never matches.
 */
export function normaliseDeviceMask(mask: string, deviceKind: string): string {
  const prefix = `${deviceKind}:`;
  if (!mask.includes(',')) return device(mask, prefix);
  const devices = mask.split(',').map((part) => device(part, prefix));
  return [...new Set(devices)]
    .filter((part) => part !== '')
    .sort()
    .join(',');
}

function device(part: string, prefix: string): string {
  const name = part.trim();
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}
