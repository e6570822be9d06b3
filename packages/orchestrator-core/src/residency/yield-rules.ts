import { compareText } from '../compare-text.js';
import type { ResidencyPolicy, ResidencyReplica, WantedModel } from './residency-input.js';
import type { Holder, Yield } from './residency-plan.js';

/** Whether losing the replica interrupts or delays anyone. */
export function isBusy({ leases, queued }: ResidencyReplica): boolean {
  return leases > 0 || queued > 0;
}

/** Whether it takes part in the sums of a pool that is about to be: failed ones are gone, draining ones go. */
export function stays({ state }: ResidencyReplica): boolean {
  return state === 'waiting' || state === 'loading' || state === 'resident';
}

/**
 * Why a replica never yields to this model, or `null` when its turn may come.
 *
 * Pinned ones never do. Hot ones do for a hot model alone, and then not for one that merely starts up: nobody waits
 * for it, and two hot models that do not fit together would push each other out for ever. [G-21]
 */
export function protectionOf({ pinned, tier }: ResidencyReplica, wanted: WantedModel): Holder['because'] | null {
  if (pinned) return 'pinned';
  return tier === 'hot' && (wanted.tier !== 'hot' || wanted.source === 'startup') ? 'hot' : null;
}

/**
 * Milliseconds until an unprotected replica may yield: 0 when idle, the rest of its quantum when busy. One that still
 * loads has not had its turn, and never yields before it is resident. A quantum is at least 1 ms: a replica that could
 * go in the moment it becomes ready would serve nobody, and two models could push each other out for ever. Whom an
 * operator asks for waits for no quantum of a replica that serves.
 */
export function yieldsInMs(replica: ResidencyReplica, policy: ResidencyPolicy, { immediate = false }: Pick<WantedModel, 'immediate'> = {}): number {
  const quantumMs = Math.max(1, policy.quantumMs);
  if (replica.state !== 'resident') return quantumMs;
  return isBusy(replica) && !immediate ? Math.max(0, quantumMs - replica.servingMs) : 0;
}

/** How much is lost, least first: idle before busy, and in each the weaker wish first. [G-21] */
export function lossOf(replica: ResidencyReplica): number {
  const wish = replica.tier === 'demand' ? 0 : replica.tier === 'hot' ? 2 : 1;
  return isBusy(replica) ? wish + 3 : wish;
}

/** Number of values of `lossOf`. */
export const LOSSES = 6;

/** Of replicas with equal loss, who goes first: longest idle, or least work and longest served. Total by id. */
export function compareForYield(a: ResidencyReplica, b: ResidencyReplica): number {
  return (
    a.leases + a.queued - (b.leases + b.queued) || b.idleMs - a.idleMs || b.servingMs - a.servingMs || compareText(a.replicaId, b.replicaId)
  );
}

export function toYield(replica: ResidencyReplica, { immediate = false }: Pick<WantedModel, 'immediate'> = {}): Yield {
  const { replicaId, modelKey, bytes, leases, tier } = replica;
  const idle = tier === 'demand' ? 'idle_demand' : tier === 'hot' ? 'idle_hot' : 'idle';
  return { replicaId, modelKey, mode: leases > 0 ? 'drain' : 'drop', reason: isBusy(replica) ? (immediate ? 'asked' : 'quantum_over') : idle, bytes };
}
