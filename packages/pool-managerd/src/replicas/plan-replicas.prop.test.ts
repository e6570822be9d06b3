import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aWanted, KILLED, POLICY as DEFAULTS, REFUSED } from '../../test/a-replica.js';
import { newReplica } from './new-replica.js';
import { planReplicas } from './plan-replicas.js';
import type { ReplicaAction, WantedReplica } from './plan-replicas.js';
import { heldBytes, holdsMemory } from './replica.js';
import type { Replica } from './replica.js';
import { nextReplicaId } from './replica-id.js';
import { RestartBook } from './restart-book.js';
import { isHeldOpen } from './restart-record.js';
import { stepReplica } from './step-replica.js';
import type { ReplicaEvent } from './step-replica.js';

const POLICY = { ...DEFAULTS, backoffInitialMs: 100, backoffMaxMs: 1_000, breakerThreshold: 3, breakerOpenMs: 5_000, breakerOpenMaxMs: 10_000, breakerCloseMs: 8_000 };
const SIZES: Readonly<Record<string, number>> = { a: 30, b: 45, c: 60, d: 100, e: 120 };
const TOTAL = 100;

/** A pool whose processes do what the test says, checked after every step. */
class SimulatedPool {
  readonly replicas = new Map<string, Replica>();
  readonly leases = new Map<string, number>();
  readonly book = new RestartBook();
  readonly startedInOrder: number[] = [];
  wanted: WantedReplica[] = [];
  isOpen = true;
  readonly parking = { keys: new Set([...'abcde'].map((name) => aWanted(name).key)), maxParked: 2, isStagingShort: false as boolean };
  nowMs = 0;
  #generation = 0;

  constructor(readonly replicasMax: number) {}

  want(names: readonly string[]): void {
    this.#generation += 1;
    const before = new Map(this.wanted.map((one) => [one.modelId, one]));
    this.wanted = [...new Set(names)].map((name) => before.get(name) ?? aWanted(name, { memoryBytes: SIZES[name] ?? 0, order: this.#generation, latestGeneration: this.#generation }));
  }

  post(replicaId: string, event: ReplicaEvent): void {
    const replica = this.replicas.get(replicaId);
    const step = replica === undefined ? { kind: 'ignored' as const } : stepReplica(replica, event, POLICY);
    if (replica !== undefined && step.kind !== 'ignored') this.book.keep(step.kind === 'removed' ? replica : step.next);
    if (step.kind === 'next') this.replicas.set(replicaId, step.next);
    if (step.kind === 'removed') this.replicas.delete(replicaId);
    if (step.kind === 'removed') this.leases.delete(replicaId);
  }

  reconcile(): void {
    for (let round = 0; round < 100; round += 1) {
      const { actions } = this.plan();
      if (actions.length === 0) return this.check();
      for (const action of actions) this.apply(action);
      this.check();
    }
    throw new Error('the plan never comes to rest');
  }

  plan() {
    const pool = { poolId: 'p1', isOpen: this.isOpen, memoryTotalBytes: TOTAL, replicasMax: this.replicasMax };
    return planReplicas({ pool, wanted: this.wanted, replicas: [...this.replicas.values()], leases: (id) => this.leases.get(id) ?? 0, nowMs: this.nowMs, memoryGraceMs: 50, restart: POLICY, parking: this.parking });
  }

  apply(action: ReplicaAction): void {
    const { nowMs } = this;
    switch (action.type) {
      case 'create': {
        const replicaId = nextReplicaId(action.wanted, new Set(this.replicas.keys()));
        this.replicas.set(replicaId, newReplica(action.wanted, { replicaId, threads: 1, nowMs, restart: this.book.get(action.wanted.key) }));
        return;
      }
      case 'discard':
        this.replicas.delete(action.replicaId);
        return;
      case 'start':
        expect([...this.replicas.values()].some(({ replicaId, restart }) => replicaId === action.replicaId && isHeldOpen(restart, nowMs))).toBe(false);
        return this.post(action.replicaId, { type: 'load_begun', nowMs });
      case 'drain':
        return this.post(action.replicaId, { type: 'drain_begun', nowMs, deadlineMs: nowMs + 200 });
      case 'revive':
        return this.post(action.replicaId, { type: 'revived', nowMs });
      case 'stop':
        return this.post(action.replicaId, { type: 'stop_begun', nowMs });
      case 'retry':
        return this.post(action.replicaId, { type: 'retried', nowMs, generation: action.wanted.latestGeneration, memoryBytes: action.wanted.memoryBytes, modelPath: '' });
      case 'park':
        return this.post(action.replicaId, { type: 'park_begun', nowMs });
      case 'await':
        return this.post(action.replicaId, { type: 'awaited', nowMs });
      case 'resume':
        return this.post(action.replicaId, { type: 'resume_begun', nowMs });
      case 'steady':
        return this.post(action.replicaId, { type: 'steadied', nowMs });
      case 'fail':
        return this.post(action.replicaId, { type: 'load_failed', nowMs, failure: action.failure, random: 0.5 });
    }
  }

  inState(state: string): Replica[] {
    return [...this.replicas.values()].filter((replica) => replica.phase.state === state);
  }

  check(): void {
    const held = [...this.replicas.values()].filter(holdsMemory);
    expect(held.reduce((sum, replica) => sum + heldBytes(replica), 0)).toBeLessThanOrEqual(TOTAL);
    expect(held.filter(({ phase }) => phase.state !== 'parked').length).toBeLessThanOrEqual(this.replicasMax);
    expect(this.inState('loading').length + this.inState('resuming').length).toBeLessThanOrEqual(1);
    const alive = [...this.replicas.values()].filter((replica) => replica.phase.state !== 'stopping');
    expect(new Set(alive.map((replica) => replica.key)).size).toBe(alive.length);
  }

  /** Everything that runs ends well, and time passes. */
  settle(): void {
    for (let round = 0; round < 40; round += 1) {
      this.reconcile();
      for (const id of [...this.leases.keys()]) this.leases.delete(id);
      for (const { replicaId } of this.inState('stopping')) this.post(replicaId, { type: 'gone', nowMs: this.nowMs, failure: null, random: 0.5 });
      for (const { replicaId, memoryBytes } of this.inState('loading')) this.post(replicaId, { type: 'loaded', nowMs: this.nowMs, readyAtMs: 0, pid: 7, socketPath: '/s', memoryBytes, parkBytes: 10 });
      this.endParking();
      this.nowMs += 6_000;
    }
    this.reconcile();
  }

  /** What was asked of parked replicas is done. */
  endParking(): void {
    for (const { replicaId } of this.inState('parking')) this.post(replicaId, { type: 'parked', nowMs: this.nowMs, heldBytes: 10 });
    for (const { replicaId } of this.inState('resuming')) this.post(replicaId, { type: 'resumed', nowMs: this.nowMs, readyAtMs: 0 });
  }
}

const names = fc.array(fc.constantFrom(...Object.keys(SIZES)), { maxLength: 4 });
const happening = fc.oneof(
  { weight: 4, arbitrary: names.map((list) => (pool: SimulatedPool) => pool.want(list)) },
  { weight: 2, arbitrary: fc.constant((pool: SimulatedPool) => pool.inState('resident').forEach(({ replicaId }) => pool.leases.set(replicaId, 1))) },
  { weight: 2, arbitrary: fc.constant((pool: SimulatedPool) => pool.leases.clear()) },
  {
    weight: 4,
    arbitrary: fc.constant((pool: SimulatedPool) => pool.inState('loading').forEach(({ replicaId, memoryBytes }) => pool.post(replicaId, { type: 'loaded', nowMs: pool.nowMs, readyAtMs: 0, pid: 7, socketPath: '/s', memoryBytes, parkBytes: 10 }))),
  },
  {
    weight: 1,
    arbitrary: fc.constant((pool: SimulatedPool) =>
      pool.inState('loading').forEach(({ replicaId }) => pool.post(replicaId, { type: 'load_failed', nowMs: pool.nowMs, failure: REFUSED, random: 0.5 })),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constant((pool: SimulatedPool) =>
      ['resident', 'draining', 'parking', 'parked', 'resuming', 'stopping'].flatMap((state) => pool.inState(state)).forEach(({ replicaId }) => pool.post(replicaId, { type: 'gone', nowMs: pool.nowMs, failure: KILLED, random: 0.5 })),
    ),
  },
  { weight: 4, arbitrary: fc.constant((pool: SimulatedPool) => pool.endParking()) },
  { weight: 1, arbitrary: fc.boolean().map((isShort) => (pool: SimulatedPool) => void (pool.parking.isStagingShort = isShort)) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 3_000 }).map((ms) => (pool: SimulatedPool) => void (pool.nowMs += ms)) },
  { weight: 1, arbitrary: fc.boolean().map((isOpen) => (pool: SimulatedPool) => void (pool.isOpen = isOpen)) },
);

describe('planReplicas — properties', () => {
  test('C-14 C-30 C-52 whatever happens, no more memory, replicas or loads than the pool has room for; no replica twice; none whose breaker is open', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (happenings, replicasMax) => {
        const pool = new SimulatedPool(replicasMax);
        for (const happen of happenings) {
          happen(pool);
          pool.reconcile();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('E-10 once things calm down, exactly what is wanted is there, or has failed for want of memory', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), names, (happenings, last) => {
        const pool = new SimulatedPool(3);
        for (const happen of happenings) {
          happen(pool);
          pool.reconcile();
        }
        pool.isOpen = true;
        pool.want(last);
        pool.settle();
        const there = [...pool.replicas.values()].filter(({ phase }) => phase.state !== 'parked');
        expect(there.map((replica) => replica.modelId).sort()).toEqual([...new Set(last)].sort());
        expect(pool.inState('parked').filter(({ modelId }) => last.includes(modelId))).toEqual([]);
        const stuck = there.filter(({ phase }) => phase.state !== 'resident');
        const heldBytes = pool.inState('resident').reduce((sum, replica) => sum + replica.memoryBytes, 0);
        for (const { phase, memoryBytes } of stuck) {
          expect(phase.state === 'failed' && phase.failure.kind).toBe(memoryBytes > TOTAL ? 'memory' : 'room');
          expect(heldBytes + memoryBytes > TOTAL || pool.inState('resident').length === 3).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
