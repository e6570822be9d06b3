import type { StandbyState } from '@corral/engine';
import type { PreloadState } from './preloads.js';

export interface ReadinessInput {
  /** Why nothing can be started there; `null` when something can. */
  readonly problem: string | null;
  /** Whether the node knows which pools it has and what is wanted of them. */
  readonly isSettled: boolean;
  readonly isDraining: boolean;
  /** It had an initialised engine worker before: the next one may take its time. */
  readonly wasUsable: boolean;
  /** A pool that was ready once does not become unready because of a load. */
  readonly wasReady: boolean;
  /** What is to be loaded from the start. */
  readonly preloads: readonly PreloadState[];
  /** The engine workers that wait on its device; `null` where none are kept. */
  readonly idle: Pick<StandbyState, 'ready' | 'lastError'> | null;
  /** Whether a replica of it serves: then its device works, whatever became of the workers that wait. */
  readonly isServing: boolean;
  /** It stands before a server: it serves with its one replica or not at all. */
  readonly isAttached?: boolean;
}

/** Whether a pool has all that it was asked for, and why not: `reason` is `null` exactly when it has. [C-10] */
export interface Readiness {
  readonly ready: boolean;
  /** Whether loads and tasks may be sent: nothing, or nothing but preloads, is missing. [C-268] */
  readonly takesWork: boolean;
  readonly reason: string | null;
}

/**
 * A pool takes work when its device works, it takes part and an engine worker was initialised there. It is ready once its
 * preloads have ended as well, at least one of them well: one broken model does not stop the others, but a pool where
 * nothing asked for could be loaded says so.
 */
export function poolReadiness({ problem, isSettled, isDraining, wasUsable, wasReady, preloads, idle, isServing: hasReplica, isAttached = false }: ReadinessInput): Readiness {
  if (problem !== null) return unusable(problem);
  if (isDraining) return unusable('the pool is drained; end the drain with DELETE on the same path, or restart the node');
  if (!isSettled) return unusable('the node has only just started and waits for its control plane');
  if (isAttached) return hasReplica ? READY : unusable('the engine worker in front of its server is being started');
  const broken = hasReplica ? null : idleProblem(idle);
  if (broken !== null) return unusable(broken);
  if (wasReady) return READY;
  if (!wasUsable && idle?.ready === 0 && !hasReplica) return unusable('an engine worker is being initialised on its device');
  const missing = missingPreload(preloads);
  return missing === null ? READY : { ready: false, takesWork: true, reason: missing };
}

/** What the pool still waits for; `null` when its preloads have ended, and not all of them badly. */
function missingPreload(preloads: readonly PreloadState[]): string | null {
  const coming = preloads.filter(({ state }) => state === 'coming');
  if (coming.length > 0) return `preloading ${coming.map(({ instanceId }) => instanceId).join(', ')}`;
  if (preloads.length === 0 || preloads.some(({ state }) => state === 'resident')) return null;
  const first = preloads.find(({ state }) => state === 'failed') ?? preloads[0];
  return `preload of ${first?.instanceId}: ${first?.reason ?? 'it is not loaded; look at the log of the node'}`;
}

/** Why no engine worker can be had on a device, with the next step; `null` when one can. [C-175] */
export function idleProblem(idle: ReadinessInput['idle']): string | null {
  if (idle === null || idle.ready > 0 || idle.lastError === null) return null;
  return `no engine worker can be initialised on the device: ${idle.lastError}; it is tried again by itself, and node/workers.jsonl in the state directory has what the workers wrote`;
}

const READY: Readiness = { ready: true, takesWork: true, reason: null };
const unusable = (reason: string): Readiness => ({ ready: false, takesWork: false, reason });
