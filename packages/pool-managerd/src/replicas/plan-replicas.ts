import { holdsMemory } from './replica.js';
import type { Failure } from './failure.js';
import { memoryFailure } from './memory-failure.js';
import { mayPark, parkedToEnd, parkedFor } from './plan-parking.js';
import type { ParkingRules } from './plan-parking.js';
import { fitsOnceOthersLeft, memoryFits } from './pool-room.js';
import type { PoolRoom } from './pool-room.js';
import type { Replica, ReplicaShape } from './replica.js';
import type { RestartPolicy } from './restart-policy.js';
import { isHeldOpen, nextStableMs } from './restart-record.js';
import { NO_SWAPS, swapTurn } from './plan-swaps.js';
import type { SwapRules, SwapTurn } from './plan-swaps.js';

/** A replica that assignments ask for. */
export interface WantedReplica extends ReplicaShape {
  readonly key: string;
  readonly modelPath: string;
  /** What it is expected to take of the device. */
  readonly memoryBytes: number;
  /** Loads happen in this order: that in which the node learnt of the assignments. */
  readonly order: number;
  /** Newest generation among its assignments: a newer one than before is a reason to try again. */
  readonly latestGeneration: number;
  /** The file was looked at since the last failure and is where a load is to read it, so that one may start. */
  readonly isVerified: boolean;
}

export type ReplicaAction =
  | { readonly type: 'create'; readonly wanted: WantedReplica }
  /** `cause`: why, where the plan knows it better than the assignments. */
  | { readonly type: 'drain'; readonly replicaId: string; readonly cause?: string }
  | { readonly type: 'discard' | 'revive' | 'stop' | 'start' | 'steady' | 'park' | 'await' | 'resume'; readonly replicaId: string }
  /** `isAnew`: a newer assignment asks for it, so it does not wait for the end of its backoff. */
  | { readonly type: 'retry'; readonly replicaId: string; readonly wanted: WantedReplica; readonly isAnew: boolean }
  | { readonly type: 'fail'; readonly replicaId: string; readonly failure: Failure };

export interface ReplicaPlanInput {
  readonly pool: PoolRoom;
  readonly wanted: readonly WantedReplica[];
  /** Of this pool. */
  readonly replicas: readonly Replica[];
  readonly leases: (replicaId: string) => number;
  readonly nowMs: number;
  readonly restart: RestartPolicy;
  readonly parking: ParkingRules;
  /** How long a load waits for memory that nothing frees, since the assignment that frees it may be on its way. */
  readonly memoryGraceMs: number;
  /** Default: nobody takes anybody's place. */
  readonly swaps?: SwapRules;
}

export interface ReplicaPlan {
  readonly actions: readonly ReplicaAction[];
  /** When to plan again though nothing happened; `null` = never. */
  readonly wakeAtMs: number | null;
}

/**
 * What to do next so that a pool holds what is wanted of it. Level-triggered: it looks at what is, not at what happened.
 *
 * Loads happen one at a time, in the order in which they were asked for, and only into memory that is free now: what a
 * stopping process holds counts until it is gone. A load waits while something leaves, and fails with the
 * numbers when nothing will. [C-14 C-21 C-30]
 */
export function planReplicas(input: ReplicaPlanInput): ReplicaPlan {
  const { pool, nowMs } = input;
  const wanted = new Map(pool.isOpen ? input.wanted.map((one) => [one.key, one]) : []);
  const active = input.replicas.filter((replica) => replica.phase.state !== 'stopping');
  const known = new Set(active.map((replica) => replica.key));
  const created = [...wanted.values()].filter((one) => !known.has(one.key)).map((one): ReplicaAction => ({ type: 'create', wanted: one }));
  const turns = swapTurns(active, wanted, input);
  const settled = active.map((replica) => settle(replica, { wanted: wanted.get(replica.key), turn: turns.get(replica) ?? null }, input)).filter((action) => action !== null);
  // One thing after the other: what was just decided changes what the next load sees.
  if (created.length + settled.length > 0) return { actions: [...settled, ...created], wakeAtMs: nowMs };
  const load = nextLoad(active, wanted, turns, input);
  const lingering = [...turns.values()].map((turn) => (turn.kind === 'serve_on' ? turn.untilMs : null));
  const wakeAtMs = earliest(active, input, [load?.wakeAtMs ?? null, ...lingering]);
  return { actions: load === null || load.action === null ? [] : [load.action], wakeAtMs };
}

/** The turns of those that others take the place of. */
function swapTurns(active: readonly Replica[], wanted: ReadonlyMap<string, WantedReplica>, input: ReplicaPlanInput): ReadonlyMap<Replica, SwapTurn> {
  const { swaps = NO_SWAPS } = input;
  const head = headOf(active, wanted);
  return new Map(active.flatMap((replica) => {
    const turn = wanted.has(replica.key) || replica.phase.state !== 'resident' ? null : swapTurn(replica, head, { ...input, swaps });
    return turn === null ? [] : [[replica, turn] as const];
  }));
}

/** What one replica must do whatever the others do. */
function settle(replica: Replica, { wanted, turn }: { readonly wanted: WantedReplica | undefined; readonly turn: SwapTurn | null }, input: ReplicaPlanInput): ReplicaAction | null {
  const { pool, leases, nowMs, replicas, restart } = input;
  const { replicaId, phase } = replica;
  switch (phase.state) {
    case 'waiting':
      return wanted === undefined ? { type: 'discard', replicaId } : null;
    case 'loading':
      return wanted === undefined ? { type: 'stop', replicaId } : null;
    case 'resident':
      if (turn?.kind === 'leave') return { type: 'drain', replicaId, cause: turn.cause };
      if (wanted === undefined && turn === null) return { type: 'drain', replicaId };
      return nowMs >= (nextStableMs(replica.restart, restart) ?? Infinity) ? { type: 'steady', replicaId } : null;
    case 'draining':
      if (wanted !== undefined) return { type: 'revive', replicaId };
      if (leases(replicaId) === 0) return { type: mayPark(replica, headOf(replicas, new Map(input.wanted.map((one) => [one.key, one]))), input) ? 'park' : 'stop', replicaId };
      return nowMs >= phase.deadlineMs ? { type: 'stop', replicaId } : null;
    case 'parking':
    case 'resuming':
      return phase.state === 'resuming' && wanted === undefined ? { type: 'stop', replicaId } : null;
    case 'parked':
      return wanted === undefined && parkedToEnd(replica, input) ? { type: 'stop', replicaId } : null;
    case 'failed': {
      const isHeld = isHeldOpen(replica.restart, nowMs);
      // An open breaker is shown for as long as it holds, though nobody asks: whoever looks must find why, and how to reset it.
      if (wanted === undefined) return isHeld && pool.isOpen ? null : { type: 'discard', replicaId };
      const isAnew = wanted.latestGeneration > replica.generation && !isHeld;
      const isDue = phase.retryAtMs === null ? fitsOnceOthersLeft({ ...replica, memoryBytes: wanted.memoryBytes }, pool, replicas) : nowMs >= phase.retryAtMs;
      return isAnew || isDue ? { type: 'retry', replicaId, wanted, isAnew } : null;
    }
    case 'stopping':
      return null;
  }
}

interface NextLoad {
  readonly action: ReplicaAction | null;
  readonly wakeAtMs: number | null;
}

/** The load whose turn it is, and what it may do now. */
function nextLoad(active: readonly Replica[], wanted: ReadonlyMap<string, WantedReplica>, turns: ReadonlyMap<Replica, SwapTurn>, input: ReplicaPlanInput): NextLoad | null {
  if (active.some(({ phase }) => phase.state === 'loading' || phase.state === 'resuming')) return null;
  const head = headOf(active, wanted);
  if (head === undefined) return null;
  const { pool, replicas, nowMs, memoryGraceMs } = input;
  const { replicaId } = head;
  if (memoryFits(head, pool, replicas.filter(holdsMemory))) return { action: { type: head.phase.state === 'parked' ? 'resume' : 'start', replicaId }, wakeAtMs: null };
  const parked = parkedFor(head, input, (beside) => memoryFits(head, pool, beside));
  if (parked !== null) return { action: { type: 'stop', replicaId: parked.replicaId }, wakeAtMs: null };
  const failure = memoryFailure(head, pool, replicas);
  if (head.memoryBytes > pool.memoryTotalBytes) return { action: { type: 'fail', replicaId, failure }, wakeAtMs: null };
  const staying = replicas.filter((replica) => !isLingering(turns.get(replica)));
  if (fitsOnceOthersLeft(head, pool, staying)) return { action: null, wakeAtMs: null };
  if (head.phase.state === 'parked' && head.phase.wantedSinceMs === null) return { action: { type: 'await', replicaId }, wakeAtMs: null };
  const waitsSinceMs = head.phase.state === 'parked' ? (head.phase.wantedSinceMs ?? nowMs) : head.phase.sinceMs;
  // Who came, or came back, while it waited may have taken a place that is about to be given back.
  const failAtMs = Math.max(waitsSinceMs, ...staying.filter(({ phase }) => phase.state === 'resident').map(({ phase }) => phase.sinceMs)) + memoryGraceMs;
  if (nowMs < failAtMs) return { action: null, wakeAtMs: failAtMs };
  // One that is parked leaves first, so that one that waits for its load is told why.
  return { action: head.phase.state === 'parked' ? { type: 'stop', replicaId } : { type: 'fail', replicaId, failure }, wakeAtMs: null };
}

/** Another one has taken its place, and it leaves in a moment. */
function isLingering(turn: SwapTurn | undefined): boolean {
  return turn?.kind === 'serve_on' && turn.untilMs !== null;
}

/** Whose turn it is: what waits for its load, and what is parked and wanted again. */
function headOf(replicas: readonly Replica[], wanted: ReadonlyMap<string, WantedReplica>): Replica | undefined {
  const order = (replica: Replica) => wanted.get(replica.key)?.order ?? Infinity;
  return replicas
    .filter(({ phase, key }) => (phase.state === 'waiting' && wanted.get(key)?.isVerified === true) || (phase.state === 'parked' && wanted.has(key)))
    .toSorted((a, b) => order(a) - order(b) || (a.key < b.key ? -1 : 1))[0];
}

function earliest(active: readonly Replica[], { nowMs, restart }: ReplicaPlanInput, others: readonly (number | null)[]): number | null {
  const times = active.flatMap(({ phase, restart: record }) => {
    if (phase.state === 'draining') return [phase.deadlineMs];
    if (phase.state === 'resident') return nextStableMs(record, restart) ?? [];
    return phase.state === 'failed' && phase.retryAtMs !== null ? [phase.retryAtMs] : [];
  });
  const all = [...times, ...others.filter((time) => time !== null)];
  return all.length === 0 ? null : Math.max(nowMs, Math.min(...all));
}
