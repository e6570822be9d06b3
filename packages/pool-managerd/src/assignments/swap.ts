import type { WantedReplica } from '../replicas/plan-replicas.js';

/** One holder on its way from a replica that serves it to another one. */
export interface Swap {
  readonly from: WantedReplica;
  readonly generation: number;
  /** How room was made; `null` until that is decided. */
  readonly mode: 'beside' | 'drained_first' | null;
  /** Why it could not be done; the old replica goes on, or is loaded again. */
  readonly failure: string | null;
  /** It failed for want of room beside what stays, and for nothing else. */
  readonly noRoom?: true;
}
