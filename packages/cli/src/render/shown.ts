import { formatBytes, formatDuration } from '@corral/service-kit';

/** What a cell holds where there is nothing to show. */
export const NOTHING = '-';

/** `12 s ago`; a time that lies ahead (clocks differ between machines) is `now`. */
export function ago(ms: number): string {
  return ms < 1_000 ? 'now' : `${formatDuration(ms)} ago`;
}

/** `1.2 GiB / 8.0 GiB`. */
export function bytesOf(used: number, total: number): string {
  return `${formatBytes(used)} / ${formatBytes(total)}`;
}

/** `3 pools`, `1 pool`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
