import { AsyncResource } from 'node:async_hooks';
import type { Assignment } from '@corral/contracts';
import type { Clock, Log } from '@corral/service-kit';
import type { ModelPresence } from '../models/model-presence.js';
import type { StagingArea } from '../staging/staging-area.js';
import type { WishSources } from '../staging/staging-wishes.js';
import { stagingWishes } from '../staging/staging-wishes.js';
import { wantedModelKey } from '../models/present-model.js';
import type { PoolChanges } from '../pools/pool-changes.js';
import type { Pool, PoolTable } from '../pools/pool-table.js';
import type { ParkingRules } from '../replicas/plan-parking.js';
import { planReplicas } from '../replicas/plan-replicas.js';
import type { SwapRules } from '../replicas/plan-swaps.js';
import type { ReplicaAction, WantedReplica } from '../replicas/plan-replicas.js';
import type { ReplicaSet } from '../replicas/replica-set.js';
import type { RestartPolicy } from '../replicas/restart-policy.js';
import type { Journal } from './journal.js';
import type { JournalEntry } from './journal-state.js';
import { holdersOf, keyOfAssignment } from './holders.js';
import { leavingCause } from './leaving-cause.js';
import type { Swaps } from './swaps.js';
import { modelWishes, wantedModelOf } from './wanted-model.js';
import { parkableKeys, wantedReplicas } from './wanted-replicas.js';

export interface ReconcilerOptions {
  readonly journal: Journal;
  readonly presence: ModelPresence;
  /** `null` where nothing can be staged. */
  readonly staging: StagingArea | null;
  readonly pools: PoolTable;
  readonly replicas: ReplicaSet;
  readonly swaps: Swaps;
  readonly changes: PoolChanges;
  /** What is to stand before servers that run by themselves. */
  attached(): readonly WantedReplica[];
  readonly clock: Clock;
  readonly log: Log;
  readonly drainMs: number;
  readonly memoryGraceMs: number;
  readonly swapLingerMs: number;
  readonly restart: RestartPolicy;
  readonly parking: { readonly maxParked: number; readonly unstaged: boolean };
  /** Called after each round: what anybody can see may have changed. Must not throw. */
  readonly onRound: () => void;
}

/** Plans are remade from what the last one did; more often than this, something is wrong. */
const ROUNDS_MAX = 1_000;

/**
 * Brings the node to what is wanted of it. Level-triggered: each round looks at everything and does what is
 * missing, so that a lost, doubled or reordered event costs time and nothing else.
 *
 * Only this loop tells models to come and replicas to start or stop. A fault in it ends the daemon.
 */
export class Reconciler {
  #isScheduled = false;
  #isClosed = false;
  #wake = new AbortController();

  /** Whatever a round starts outlives the request that caused it, and must not log in its name. */
  readonly #detached = AsyncResource.bind(() => {
    this.#isScheduled = false;
    if (!this.#isClosed) this.#round();
  });

  constructor(private readonly options: ReconcilerOptions) {}

  /** Something changed. Rounds are joined: many changes at once cost one. */
  readonly poke = (): void => {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    setImmediate(this.#detached);
  };

  close(): void {
    this.#isClosed = true;
    this.#wake.abort();
  }

  #round(): void {
    const { journal, presence, pools, staging, changes } = this.options;
    // Until devices and pools are known, nothing can be done for anybody.
    if (pools.isSettled) {
      const told = [...journal.state.entries.values()];
      const keyOf = (assignment: Assignment) => keyOfAssignment(assignment, { pools: pools.planned(), presence: (key) => presence.get(key) });
      changes.settle(told, keyOf);
      const entries = changes.effective(told, keyOf);
      presence.want(modelWishes(entries));
      staging?.want(stagingWishes(entries, this.#wishSources(staging)));
      for (const pool of pools.list()) this.#hastenDrain(pool);
      this.#sleepUntil(earliest([...this.#reconcilePools(entries), presence.wakeAtMs(), staging?.wakeAtMs() ?? null, pools.wakeAtMs()]));
    }
    this.options.onRound();
  }

  #wishSources(staging: StagingArea): WishSources {
    const { presence, replicas } = this.options;
    const loaded = new Set(replicas.list().filter(({ phase }) => phase.state === 'resident' || phase.state === 'draining' || phase.state === 'parking' || phase.state === 'parked').map(({ digest }) => digest));
    return {
      presence: (key) => presence.get(key),
      isStaged: (digest) => staging.has(digest),
      runningFor: (digest) => staging.runningFor(digest),
      isLoaded: (digest) => loaded.has(digest),
    };
  }

  #reconcilePools(entries: readonly JournalEntry[]): readonly (number | null)[] {
    const { pools, replicas, presence, staging, swaps, changes, swapLingerMs } = this.options;
    const planned = pools.planned();
    const sources = { pools: planned, presence: (key: string) => presence.get(key) };
    const asked = wantedReplicas(entries, { ...sources, isBeingStaged: (digest) => staging?.isRunning(digest) ?? false });
    const { wanted, kept, replacedBy } = swaps.follow(holdersOf(entries, sources, (assignment) => changes.replacedBy(assignment)), asked, replicas.list());
    const { maxParked, unstaged } = this.options.parking;
    const isStagingShort = staging?.wishes().some(({ digest }) => staging.problemOf(digest)?.kind === 'no_room') ?? false;
    const parking = { keys: parkableKeys(entries, sources, { unstaged }), maxParked, isStagingShort };
    const all = [...wanted, ...this.options.attached()];
    const poolIds = new Set([...planned.keys(), ...replicas.list().map((replica) => replica.poolId)]);
    return [...poolIds].map((poolId) => this.#reconcilePool(poolId, { wanted: all.filter((one) => one.poolId === poolId), parking, swaps: { kept, replacedBy, lingerMs: swapLingerMs } }, entries));
  }

  /** Does what the plan for one pool says until it says nothing more. Returns when to look again. */
  #reconcilePool(poolId: string, { wanted, parking, swaps }: { readonly wanted: readonly WantedReplica[]; readonly parking: ParkingRules; readonly swaps: SwapRules }, entries: readonly JournalEntry[]): number | null {
    const { pools, replicas, clock, memoryGraceMs, restart } = this.options;
    const pool = pools.get(poolId);
    const room = {
      poolId,
      // A pool that the manifest took away still has replicas to end.
      isOpen: pool !== undefined && pool.planned.problem === null && pool.drainDeadlineMs === null,
      memoryTotalBytes: pool?.planned.memoryTotalBytes ?? 0,
      replicasMax: pool?.planned.replicasMax ?? null,
    };
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const plan = planReplicas({ pool: room, wanted, replicas: replicas.inPool(poolId), leases: (id) => replicas.leases(id), nowMs: clock.monotonicMs(), memoryGraceMs, restart, parking, swaps });
      if (plan.actions.length === 0) return plan.wakeAtMs;
      for (const action of plan.actions) this.#apply(action, pool, entries);
      // What is tried again has its file looked at first, which the wanted set of this round does not know.
      if (plan.actions.some((action) => action.type === 'retry')) {
        this.poke();
        return null;
      }
    }
    throw new Error(`the plan for pool ${poolId} does not come to rest`);
  }

  #apply(action: ReplicaAction, pool: Pool | undefined, entries: readonly JournalEntry[]): void {
    const { replicas, presence, clock, drainMs, changes } = this.options;
    const replica = 'replicaId' in action ? replicas.list().find((one) => one.replicaId === action.replicaId) : undefined;
    const modelId = replica?.modelId ?? (action.type === 'create' ? action.wanted.modelId : '');
    const cause = action.type === 'drain' && action.cause !== undefined ? action.cause : leavingCause(entries, { modelId, isPoolDrained: pool !== undefined && pool.drainDeadlineMs !== null });
    const nowMs = clock.monotonicMs();
    const usualMs = (replica === undefined ? null : changes.drainMsOf(replica.key, nowMs)) ?? drainMs;
    const leftMs = pool?.drainDeadlineMs === null || pool === undefined ? usualMs : Math.max(0, pool.drainDeadlineMs - nowMs);
    replicas.apply(action, placeOf(pool), { cause, drainMs: leftMs });
    if (action.type === 'retry') for (const key of modelKeys(entries, action.wanted)) presence.recheck(key);
  }

  /** A drain of the pool that was told to be quicker holds for replicas that drain already. */
  #hastenDrain(pool: Pool): void {
    const { replicas } = this.options;
    if (pool.drainDeadlineMs === null) return;
    for (const replica of replicas.inPool(pool.planned.poolId)) replicas.hasten(replica.replicaId, pool.drainDeadlineMs);
  }

  #sleepUntil(wakeAtMs: number | null): void {
    this.#wake.abort();
    this.#wake = new AbortController();
    if (wakeAtMs === null) return;
    const { clock } = this.options;
    clock.sleep(Math.max(1, wakeAtMs - clock.monotonicMs()), this.#wake.signal).then(this.poke, () => {});
  }
}

function placeOf(pool: Pool | undefined) {
  const planned = pool?.planned;
  return {
    poolId: planned?.poolId ?? '',
    // The worker in front of a server computes nothing.
    deviceKind: planned?.attached === undefined ? (planned?.deviceKind ?? ('cpu' as const)) : ('cpu' as const),
    isAttached: planned?.attached !== undefined,
    deviceMask: planned?.deviceMask ?? '',
    threadsPerReplica: planned?.threadsPerReplica ?? 1,
    memoryTotalBytes: planned?.memoryTotalBytes ?? 0,
  };
}

function modelKeys(entries: readonly JournalEntry[], wanted: WantedReplica): readonly string[] {
  const isOf = ({ model, target }: Assignment) => model.model_id === wanted.modelId && target.pool_id === wanted.poolId;
  return [...new Set(entries.filter(({ assignment }) => isOf(assignment)).map(({ assignment }) => wantedModelKey(wantedModelOf(assignment))))];
}

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}
