import type { Swap } from './swap.js';
import { swapNote } from './swap-status.js';
import type { Failure } from '../replicas/failure.js';
import type { WantedReplica } from '../replicas/plan-replicas.js';
import type { Replica } from '../replicas/replica.js';

/** Somebody who wants one replica of one pool: an instance, or a change that an operator makes to the pool. */
export interface Holder {
  readonly holder: string;
  readonly poolId: string;
  /** `null` while its model is not there, so that nobody knows the shape. */
  readonly key: string | null;
  /** A newer one is another wish, for which everything is tried anew. */
  readonly generation: number;
  /** Key of the replica whose place is taken, where the holder had none of its own before. */
  readonly from?: string;
}

export interface SwapsPlan {
  /** What is wanted of the replicas, with the old ones of failed swaps in the place of the new ones. */
  readonly wanted: readonly WantedReplica[];
  readonly kept: ReadonlySet<string>;
  readonly replacedBy: ReadonlyMap<string, string>;
}

/** Told once for each swap that is over. */
export interface SwapOutcome {
  readonly holder: string;
  readonly poolId: string;
  readonly outcome: 'succeeded' | 'failed';
  readonly mode: Swap['mode'];
  readonly from: string;
  readonly to: string;
}

interface Course {
  /** As the holder was last served; `null` before that. */
  readonly serving: WantedReplica | null;
  readonly swap: Swap | null;
  /** What the last swap that came to its end was like. */
  readonly last: { readonly generation: number; readonly note: string | null } | null;
}

const NOTHING: Course = { serving: null, swap: null, last: null };

interface Look {
  readonly wanted: ReadonlyMap<string, WantedReplica>;
  /** Of every pool, without those whose process is being ended. */
  readonly replicas: readonly Replica[];
}

/**
 * Which replica takes whose place. A holder whose wanted replica is another one than that which serves it is served on
 * until the new one is ready; where that fails the old one stays, or comes back, until something newer is wanted. [C-40 C-261]
 *
 * It remembers what served whom in this process: after a restart there is nothing to keep, and what is wanted is loaded.
 */
export class Swaps {
  readonly #courses = new Map<string, Course>();

  constructor(private readonly onOutcome: (outcome: SwapOutcome) => void) {}

  /** The swap that the holder is in or that has failed; `null` = none. */
  of(holder: string): Swap | null {
    return this.#courses.get(holder)?.swap ?? null;
  }

  /** How room was made for the replica that this generation of a holder asked for; `null` where it took nobody's place. */
  noteOf(holder: string, generation: number): string | null {
    const course = this.#courses.get(holder);
    if (course?.swap?.generation === generation) return swapNote(course.swap);
    return course?.last?.generation === generation ? course.last.note : null;
  }

  /** Digests that may have to be loaded again. */
  digests(): readonly string[] {
    return [...this.#courses.values()].flatMap(({ swap }) => (swap === null ? [] : [swap.from.digest]));
  }

  /** Follows everybody who wants a replica. To be called before each plan, with all of them. */
  follow(holders: readonly Holder[], wanted: readonly WantedReplica[], replicas: readonly Replica[]): SwapsPlan {
    const look: Look = { wanted: new Map(wanted.map((one) => [one.key, one])), replicas: replicas.filter(({ phase }) => phase.state !== 'stopping') };
    for (const holder of this.#courses.keys()) if (!holders.some((one) => one.holder === holder)) this.#courses.delete(holder);
    for (const holder of holders) this.#courses.set(holder.holder, this.#next(holder, look));

    const kept = new Set<string>();
    const replacedBy = new Map<string, string>();
    const restored = new Map<string, WantedReplica>();
    const held = new Set<string>();
    for (const { holder, key } of holders) {
      const swap = this.of(holder);
      if (swap !== null && swap.failure !== null) restored.set(swap.from.key, { ...swap.from, isVerified: true });
      else if (key !== null) held.add(key);
      if (swap === null || swap.failure !== null) continue;
      if (key === null) kept.add(swap.from.key);
      else replacedBy.set(swap.from.key, key);
    }
    const tried = wanted.filter(({ key }) => held.has(key));
    const again = [...restored.values()].filter(({ key }) => !held.has(key));
    return { wanted: [...tried, ...again], kept, replacedBy };
  }

  #next(holder: Holder, { wanted, replicas }: Look): Course {
    const { serving, swap, last } = this.#courses.get(holder.holder) ?? this.#first(holder, replicas);
    const { key, poolId, generation } = holder;
    const replica = replicas.find((one) => one.key === key);
    if (serving === null || serving.poolId !== poolId || serving.key === key) {
      const isServed = key !== null && replica?.phase.state === 'resident';
      return { serving: isServed ? (wanted.get(key) ?? null) : serving?.poolId === poolId ? serving : null, swap: null, last };
    }
    const current: Swap = swap?.generation === generation ? swap : { from: serving, generation, mode: null, failure: null };
    if (key === null || replica === undefined || current.failure !== null) return { serving, swap: current, last };
    const old = replicas.find((one) => one.key === serving.key && one.phase.state === 'resident');
    const { state } = replica.phase;
    const isBegun = state === 'loading' || state === 'resuming' || state === 'resident';
    const mode = current.mode ?? (isBegun ? (old === undefined ? 'drained_first' : 'beside') : null);
    // What others want too stays, and is no part of the swap.
    if (state === 'resident' && (old === undefined || wanted.has(old.key))) {
      this.#tell(holder, { ...current, mode }, replica);
      return { serving: wanted.get(key) ?? null, swap: null, last: { generation, note: swapNote({ ...current, mode }) } };
    }
    const failure = failureOf(replica, generation);
    const next: Swap = { ...current, mode, failure: failure?.message ?? null, ...(failure?.kind === 'room' && { noRoom: true }) };
    if (failure !== null) this.#tell(holder, next, replica);
    return { serving, swap: next, last };
  }

  /** Whoever comes to take a place is served by what holds it. */
  #first({ from, poolId }: Holder, replicas: readonly Replica[]): Course {
    const replica = from === undefined ? undefined : replicas.find(({ key }) => key === from);
    return replica?.poolId === poolId ? { serving: asWanted(replica), swap: null, last: null } : NOTHING;
  }

  #tell({ holder, poolId }: Holder, { failure, mode, from }: Swap, { modelId }: Replica): void {
    this.onOutcome({ holder, poolId, outcome: failure === null ? 'succeeded' : 'failed', mode, from: from.modelId, to: modelId });
  }
}

/** What ended the load for this wish; one that broke down after it had been ready is started again by itself. */
function failureOf({ phase, generation }: Replica, since: number): Failure | null {
  return phase.state === 'failed' && phase.failure.kind !== 'crash' && generation >= since ? phase.failure : null;
}

function asWanted(replica: Replica): WantedReplica {
  const { key, poolId, device, digest, engineId, contextTokens, slots, modelId, modelPath, memoryBytes, generation } = replica;
  return { key, poolId, device, digest, engineId, contextTokens, slots, modelId, modelPath, memoryBytes, order: 0, latestGeneration: generation, isVerified: true };
}
