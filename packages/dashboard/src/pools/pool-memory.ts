import type { PoolStatus } from '@corral/contracts';
import { formatSize } from '../wording/format-size.js';
import type { BarPart } from '../shell/bar-part.js';

export interface PoolMemory {
  readonly text: string;
  readonly parts: readonly BarPart[];
}

/** Colours that tell the replicas of one pool apart. */
const HUES = 6;

/** Who holds the memory of a pool: one part for each replica, and one for what is used beside them. [U-08] */
export function poolMemory({ memory_total_bytes: total, memory_used_bytes: used, replicas }: PoolStatus): PoolMemory {
  if (total === 0) return { text: 'no device memory', parts: [] };
  const held = replicas.reduce((sum, { memory_bytes }) => sum + memory_bytes, 0);
  const parts = replicas.map((replica, n) => ({
    key: replica.replica_id,
    fraction: replica.memory_bytes / total,
    className: `hue-${n % HUES} ${replica.state === 'resident' ? 'bar__part--settled' : 'bar__part--unsettled'}`,
  }));
  const rest = Math.max(0, used - held) / total;
  return {
    text: `${formatSize(Math.max(used, held))} of ${formatSize(total)}`,
    parts: rest > 0 ? [...parts, { key: 'rest', fraction: rest, className: 'hue-rest' }] : parts,
  };
}
