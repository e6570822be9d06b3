import type { AssignmentStatus } from '@corral/contracts';
import type { StandbyState } from '@corral/engine';

export interface ReadinessInput {
  /** Why nothing can be started there; `null` when something can. */
  readonly problem: string | null;
  /** Whether the node knows which pools it has and what is wanted of them. */
  readonly isSettled: boolean;
  readonly isDraining: boolean;
  /** A pool that was ready once does not become unready because of a load. */
  readonly wasReady: boolean;
  /** What the control plane asks to have loaded from the start. */
  readonly preloads: readonly AssignmentStatus[];
  /** The engine workers that wait on its device; `null` where none are kept. */
  readonly idle: Pick<StandbyState, 'ready' | 'lastError'> | null;
  /** Whether a replica of it serves: then its device works, whatever became of the workers that wait. */
  readonly isServing: boolean;
}

/** Whether a pool may receive work, and why not. `reason` is `null` exactly when it may. [C-10] */
export interface Readiness {
  readonly ready: boolean;
  readonly reason: string | null;
}

/**
 * A pool is ready when its device works, it takes part, an engine worker was initialised there, and its preloads have ended,
 * at least one of them well: one broken model does not stop the others, but a pool where nothing asked for could be loaded says so.
 */
export function poolReadiness({ problem, isSettled, isDraining, wasReady, preloads, idle, isServing: hasReplica }: ReadinessInput): Readiness {
  if (problem !== null) return notYet(problem);
  if (isDraining) return notYet('the pool is drained; end the drain with DELETE on the same path, or restart the node');
  if (!isSettled) return notYet('the node has only just started and waits for its control plane');
  const broken = hasReplica ? null : idleProblem(idle);
  if (broken !== null) return notYet(broken);
  if (wasReady) return READY;
  if (idle?.ready === 0 && !hasReplica) return notYet('an engine worker is being initialised on its device');
  const pending = preloads.filter(({ residency, last_error }) => residency !== 'resident' && residency !== 'failed' && last_error === null);
  if (pending.length > 0) return notYet(`preloading ${pending.map((status) => status.instance_id).join(', ')}`);
  const isServing = preloads.some((status) => status.residency === 'resident');
  const failure = preloads.find((status) => status.last_error !== null);
  return isServing || failure === undefined ? READY : notYet(failure.last_error ?? 'a preload failed');
}

/** Why no engine worker can be had on a device, with the next step; `null` when one can. [C-175] */
export function idleProblem(idle: ReadinessInput['idle']): string | null {
  if (idle === null || idle.ready > 0 || idle.lastError === null) return null;
  return `no engine worker can be initialised on the device: ${idle.lastError}; it is tried again by itself, and node/workers.jsonl in the state directory has what the workers wrote`;
}

const READY: Readiness = { ready: true, reason: null };
const notYet = (reason: string): Readiness => ({ ready: false, reason });
