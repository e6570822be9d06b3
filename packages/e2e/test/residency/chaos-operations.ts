import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '@corral/test-kit';
import { poolsAt, type System } from '../faults/served-system.js';
import { processesOf } from '../faults/processes.js';
import type { Instance } from '@corral/contracts';
import type { Answer } from '../access/keys.js';
import type { Org } from '../instances/orgs.js';
import type { DisturbedBus } from './disturbed-bus.js';

/** What the last call that was accepted wants of an instance; `unknown` where the answer to a call was lost. */
export type Wish = 'loaded' | 'hot' | 'none' | 'unknown';

export interface Expected {
  /** By `org/instance`. */
  readonly wishes: Map<string, Wish>;
  /** Answers to loads and unloads, by status or code. */
  readonly answers: Map<string, number>;
}

export interface Named {
  readonly orgId: string;
  readonly org: Org;
  readonly instanceId: string;
}

export interface Real {
  readonly system: System;
  readonly instances: readonly Named[];
  /** Started by the run, awaited at its end. */
  readonly chats: Promise<void>[];
  /** `null` where there is no broker. */
  readonly bus: DisturbedBus | null;
}

type Operation = fc.AsyncCommand<Expected, Real>;

/** Replicas that the pool can hold. */
export const PLACES = 1;

/** Refusals after which nothing may have changed. */
const REFUSED = ['EVENT_BUS_UNAVAILABLE', 'NODE_UNAVAILABLE', 'POOL_UNAVAILABLE', 'POOL_UNREADY'];

export const keyOf = ({ orgId, instanceId }: Named): string => `${orgId}/${instanceId}`;

/** The first refusal is final; a connection that breaks leaves open whether the call was taken. */
async function asked({ answers }: Expected, { org, instanceId }: Named, call: Promise<Answer>, taken: Wish): Promise<Wish | 'unchanged'> {
  const answer = await call.catch(() => undefined);
  const told = answer === undefined ? 'lost' : answer.status === 202 ? 'accepted' : String(answer.code);
  answers.set(told, (answers.get(told) ?? 0) + 1);
  if (answer === undefined) {
    // The next operation should meet somebody.
    await eventually('the control plane answers again', 120_000, async () => (await org.of(instanceId, 'GET').catch(() => undefined))?.status === 200);
    return 'unknown';
  }
  if (answer.status === 202) return taken;
  expect({ status: answer.status, code: answer.code }).toEqual({ status: 503, code: expect.stringMatching(REFUSED.join('|')) });
  return 'unchanged';
}

async function wish(expected: Expected, instance: Named, call: Promise<Answer>, taken: Wish): Promise<void> {
  const now = await asked(expected, instance, call, taken);
  if (now !== 'unchanged') expected.wishes.set(keyOf(instance), now);
}

class Load implements Operation {
  constructor(
    private readonly at: number,
    private readonly tier: 'hot' | 'cold',
  ) {}
  check = (): boolean => true;
  async run(expected: Expected, { instances }: Real): Promise<void> {
    const instance = instances[this.at % instances.length] as Named;
    const call = instance.org.of(instance.instanceId, 'POST load', { tier: this.tier });
    await wish(expected, instance, call, this.tier === 'hot' ? 'hot' : 'loaded');
  }
  toString = (): string => `load ${this.at} ${this.tier}`;
}

class Unload implements Operation {
  constructor(private readonly at: number) {}
  check = (): boolean => true;
  async run(expected: Expected, { instances }: Real): Promise<void> {
    const instance = instances[this.at % instances.length] as Named;
    await wish(expected, instance, instance.org.of(instance.instanceId, 'POST unload'), 'none');
  }
  toString = (): string => `unload ${this.at}`;
}

/** A chat that nobody waits for: it is served, or refused with a reason, or its connection breaks with the daemon. */
class Chat implements Operation {
  constructor(private readonly at: number) {}
  check = (): boolean => true;
  async run(_expected: Expected, { instances, chats }: Real): Promise<void> {
    const { org, instanceId } = instances[this.at % instances.length] as Named;
    const judged = org.chat(instanceId).then(
      ({ status, code, text }) => expect({ status, text, isTyped: status === 200 || (status === 503 && typeof code === 'string') }).toMatchObject({ isTyped: true }),
      () => undefined,
    );
    chats.push(judged);
    await Promise.resolve();
  }
  toString = (): string => `chat ${this.at}`;
}

class Kill implements Operation {
  constructor(private readonly victim: 'orchestratord' | 'poolManagerd' | 'engine') {}
  check = (): boolean => true;
  async run(_expected: Expected, { system }: Real): Promise<void> {
    const { engines, ...daemons } = await processesOf(system.corral);
    const pid = this.victim === 'engine' ? engines[0] : daemons[this.victim];
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }
  toString = (): string => `kill ${this.victim}`;
}

class Interrupt implements Operation {
  check = (): boolean => true;
  async run(_expected: Expected, { bus }: Real): Promise<void> {
    await bus?.interrupt();
  }
  toString = (): string => 'interrupt the bus';
}

class Repeat implements Operation {
  constructor(private readonly n: number) {}
  check = (): boolean => true;
  async run(_expected: Expected, { bus }: Real): Promise<void> {
    await bus?.repeat(this.n);
  }
  toString = (): string => `repeat command ${this.n}`;
}

class Pause implements Operation {
  constructor(private readonly ms: number) {}
  check = (): boolean => true;
  async run(_expected: Expected, { system }: Real): Promise<void> {
    await sleep(this.ms);
    for (const { replicas, pool_id } of await poolsAt(system.corral.poolUrl).catch(() => [])) {
      const running = replicas.filter(({ pid, state }) => pid !== null && state !== 'parked');
      expect({ pool_id, running, isWithin: running.length <= PLACES }).toMatchObject({ isWithin: true });
    }
  }
  toString = (): string => `pause ${this.ms} ms`;
}

const at = fc.nat({ max: 15 });

/** One operation. Kills are seldom, so that there is something to kill. */
export function operation(hasBroker: boolean): fc.Arbitrary<Operation> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.tuple(at, fc.constantFrom('hot' as const, 'cold' as const)).map(([n, tier]) => new Load(n, tier)) },
    { weight: 6, arbitrary: at.map((n) => new Unload(n)) },
    { weight: 8, arbitrary: at.map((n) => new Chat(n)) },
    { weight: 6, arbitrary: fc.integer({ min: 10, max: 400 }).map((ms) => new Pause(ms)) },
    { weight: 1, arbitrary: fc.constantFrom('orchestratord' as const, 'poolManagerd' as const, 'engine' as const).map((victim) => new Kill(victim)) },
    { weight: hasBroker ? 1 : 0, arbitrary: fc.constant(new Interrupt()) },
    { weight: hasBroker ? 4 : 0, arbitrary: fc.nat({ max: 100 }).map((n) => new Repeat(n)) },
  );
}

export interface AtRest {
  readonly wished: Wish | undefined;
  readonly record: Instance;
}

/** Where instances at rest are not what was asked for. */
export function contradictions(seen: readonly AtRest[]): readonly object[] {
  return seen.flatMap((one) => {
    const because = contradiction(one, seen);
    return because === null ? [] : [{ because, ...one }];
  });
}

/** What is held is resident, or says that a hot one has its place; what is not held is neither. */
function contradiction({ wished, record: { held_tier: held, is_ready: isReady, tier, last_error } }: AtRest, seen: readonly AtRest[]): string | null {
  // A load is taken while its node is away, when nobody can know what will fit: then two may be held for one place.
  const isTaken = last_error?.includes('the room is held for good by') === true && seen.some(({ record }) => record.is_ready && record.held_tier === 'hot');
  if (held !== null && !isReady && !isTaken) return `held as ${held} and not ready`;
  if (held === null && isReady && tier !== 'demand') return 'ready and held by nobody';
  if (wished === 'hot' && held !== 'hot') return `its last load wants it hot, and it is held as ${held ?? 'nothing'}`;
  if ((wished === 'none' || wished === undefined) && held !== null) return `its last call unloaded it, and it is held as ${held}`;
  return null;
}
