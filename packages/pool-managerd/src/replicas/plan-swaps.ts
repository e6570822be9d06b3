import { memoryFits, fitsOnceOthersLeft } from './pool-room.js';
import type { PoolRoom } from './pool-room.js';
import type { Replica } from './replica.js';

/** Who takes whose place in a pool. Keys are of replicas. */
export interface SwapRules {
  /** They serve on though nobody wants them: what is to take their place is not known yet. */
  readonly kept: ReadonlySet<string>;
  /** Old → new. */
  readonly replacedBy: ReadonlyMap<string, string>;
  /** So long does the old one go on taking work once the new one is ready, so that whoever sends work has heard of it. */
  readonly lingerMs: number;
}

export const NO_SWAPS: SwapRules = { kept: new Set(), replacedBy: new Map(), lingerMs: 0 };

export interface SwapInput {
  readonly pool: PoolRoom;
  /** Of this pool. */
  readonly replicas: readonly Replica[];
  readonly nowMs: number;
  readonly swaps: SwapRules;
}

/** What a resident replica does that another one is to take the place of. */
export type SwapTurn = { readonly kind: 'serve_on'; readonly untilMs: number | null } | { readonly kind: 'leave'; readonly cause: string };

/**
 * The turn of a replica that nobody wants any longer; `null` where no other is to take its place.
 *
 * It serves on until the new one is ready, and leaves before that only where the new one, whose turn it is (`head`),
 * fits once it has left and not before. What cannot be loaded at all drives nobody away. [C-40 C-261]
 */
export function swapTurn(old: Replica, head: Replica | undefined, { pool, replicas, nowMs, swaps }: SwapInput): SwapTurn | null {
  if (!pool.isOpen) return null;
  if (swaps.kept.has(old.key)) return { kind: 'serve_on', untilMs: null };
  const newKey = swaps.replacedBy.get(old.key);
  if (newKey === undefined) return null;
  const next = replicas.find(({ key, phase }) => key === newKey && phase.state !== 'stopping');
  if (next?.phase.state === 'resident') {
    const untilMs = next.phase.sinceMs + swaps.lingerMs;
    return nowMs < untilMs ? { kind: 'serve_on', untilMs } : { kind: 'leave', cause: `${next.modelId} has taken its place` };
  }
  const isTurn = next !== undefined && next === head && (next.phase.state === 'waiting' || next.phase.state === 'parked');
  if (!isTurn || fitsOnceOthersLeft(next, pool, replicas)) return { kind: 'serve_on', untilMs: null };
  const staying = replicas.filter(({ key }) => swaps.replacedBy.get(key) !== newKey);
  return memoryFits(next, pool, []) && fitsOnceOthersLeft(next, pool, staying) ? { kind: 'leave', cause: `${next.modelId} takes its place, and there is no room beside it` } : { kind: 'serve_on', untilMs: null };
}
