import type { DeviceKind } from '@corral/catalog-core';
import type { StandbyState } from '@corral/engine';
import type { Clock, OperationStep } from '@corral/service-kit';
import type { Replica } from '../replicas/replica.js';
import { holdsMemory } from '../replicas/replica.js';
import type { EngineChoices } from './engine-choices.js';

export interface TakeUpPorts {
  readonly choices: Pick<EngineChoices, 'forReplicas' | 'try' | 'choose'>;
  /** Those in pools of this kind. */
  replicas(kind: DeviceKind): readonly Replica[];
  /** Of each pool of this kind that can serve; `null` where none are kept. */
  idle(kind: DeviceKind): readonly (StandbyState | null)[];
  readonly clock: Clock;
  readonly limits: TakeUpLimits;
}

export interface TakeUpLimits {
  readonly idleMs: number;
  readonly swapMs: number;
  /** For going back. */
  readonly backMs: number;
}

/** Why a bundle that computes rightly does not serve all the same. */
class TakeUpError extends Error {}

const LOOK_MS = 50;

/**
 * Moves a kind of device to a bundle: its idle workers first, then its replicas, one after the other as the plans of the pools
 * have room. Where a replica that served does not come up on it, everything goes back, and the bundle before stays chosen.
 *
 * Resolves with how many replicas run it. Rejects with why not, once what served before serves again or its time is over. [D-74]
 */
export async function takeUp(kind: DeviceKind, id: string, { step, signal, ...ports }: TakeUpPorts & { readonly step: OperationStep; readonly signal: AbortSignal }): Promise<number> {
  const { choices, limits } = ports;
  const served = new Set(ports.replicas(kind).filter(({ phase }) => phase.state === 'resident' || phase.state === 'draining').map(shapeOf));
  try {
    step({ phase: 'idle workers', fraction: null });
    choices.try({ kind, id, forReplicas: false });
    await until(() => idleReady(ports.idle(kind)), { ...ports, limitMs: limits.idleMs, what: 'no idle worker was initialised with it', signal });
    choices.try({ kind, id, forReplicas: true });
    await until(() => moved(ports.replicas(kind), { id, served, step }), { ...ports, limitMs: limits.swapMs, what: 'its replicas were not ready', signal });
    await choices.choose(kind, id);
    return ports.replicas(kind).filter((replica) => replica.engineId === id && holdsMemory(replica)).length;
  } catch (error) {
    choices.try(null);
    if (!signal.aborted) step({ phase: 'going back', fraction: null });
    await until(() => isBack(ports.replicas(kind), id), { ...ports, limitMs: limits.backMs, what: 'what served before is not back', signal }).catch(() => undefined);
    throw error;
  }
}

/** Pools whose workers cannot be initialised say so by themselves, and again with the next bundle. */
function idleReady(states: readonly (StandbyState | null)[]): boolean {
  for (const state of states) if (state !== null && state.ready === 0 && state.lastError !== null) throw new TakeUpError(`an idle worker did not start with it: ${state.lastError}`);
  return states.every((state) => state === null || state.ready > 0);
}

function moved(replicas: readonly Replica[], { id, served, step }: { readonly id: string; readonly served: ReadonlySet<string>; readonly step: OperationStep }): boolean {
  const own = replicas.filter((replica) => replica.engineId === id && served.has(shapeOf(replica)));
  const broken = own.find(({ phase }) => phase.state === 'failed');
  if (broken?.phase.state === 'failed') throw new TakeUpError(`replica ${broken.replicaId} of ${broken.modelId} did not come up on it: ${broken.phase.failure.message}`);
  const ready = own.filter(({ phase }) => phase.state === 'resident').length;
  const others = replicas.filter((replica) => replica.engineId !== id && holdsMemory(replica));
  step({ phase: 'replicas', fraction: served.size === 0 ? null : ready / Math.max(served.size, ready) });
  return others.length === 0 && ready === own.length;
}

function isBack(replicas: readonly Replica[], id: string): boolean {
  return replicas.every((replica) => (replica.engineId === id ? !holdsMemory(replica) : replica.phase.state !== 'waiting' && replica.phase.state !== 'loading'));
}

interface Wait {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly what: string;
  readonly signal: AbortSignal;
}

async function until(condition: () => boolean, { clock, limitMs, what, signal }: Wait): Promise<void> {
  const untilMs = clock.monotonicMs() + limitMs;
  while (!condition()) {
    if (clock.monotonicMs() >= untilMs) throw new TakeUpError(`${what} within ${Math.round(limitMs / 1_000)} s`);
    await clock.sleep(LOOK_MS, signal);
  }
}

/** What a replica is, whatever it runs. */
function shapeOf({ poolId, digest, contextTokens, slots }: Replica): string {
  return `${poolId}|${digest}|${contextTokens}x${slots}`;
}
