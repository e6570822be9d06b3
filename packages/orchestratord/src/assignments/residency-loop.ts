import type { Assignment, ORCHESTRATORD_METRICS } from '@corral/contracts';
import { planWaiters, type ResidencyPlan } from '@corral/orchestrator-core';
import type { Clock, Log, Metrics } from '@corral/service-kit';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import { isInProgress, modelOn, strongestTier, type AssignmentView } from './assignment-view.js';
import type { Demand, ModelStatus, ReplicaUse } from './demand.js';
import { heldOf, LoadFailures } from './load-failures.js';
import { statusNow, type StatusNow } from './model-status.js';
import { changesOf, type PlannedWish } from './plan-changes.js';
import { poolChoice } from './pool-choice.js';
import { ReplicaTimes } from './replica-times.js';
import { residencyPools, usablePools, waitingModel, type Wish } from './residency-input.js';
import { ResidencyLog } from './residency-log.js';
import { ResidencyMemory } from './residency-memory.js';
import { lookAtWorld, type WorldLook } from './residency-world.js';
import type { Residency } from './residency.js';
import { settleServed } from './settle-served.js';
import type { WantedChange, WantedSet } from './wanted-set.js';

export interface ResidencyLoopOptions {
  readonly nodes: Pick<NodeDirectory, 'pools' | 'places' | 'refresh' | 'onChange'>;
  readonly models: Pick<ModelDirectory, 'keyOf' | 'factsOf' | 'specOf' | 'implicitTier'>;
  readonly instances: Pick<InstanceRegistry, 'list' | 'find'>;
  readonly wanted: Pick<WantedSet, 'all' | 'apply' | 'forget'>;
  /** What should be resident although nobody waits for it. */
  hot(): readonly Wish[];
  readonly swapQuantumMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  /** The loop's state can no longer be trusted; the daemon must end. */
  onCrash(error: unknown): void;
}

/** Changes that come faster are looked at together. */
const GAP_MS = 20;
/** While something is loaded, its progress is asked for so often. */
const PROGRESS_MS = 500;
/** A plan that could not be committed is made again after so long. */
const RETRY_COMMIT_MS = 1_000;
/** A file that a node has done with and does not show is not asked for there again at once. */
const REFETCH_MS = 10_000;
/** An event of a failure may come before the report that shows the breaker. */
const SHOWN_AFTER_MS = 2_000;
const FAILURE_POLICY = { initialMs: 1_000, maxMs: 60_000, forgetAfterMs: 600_000 };

interface Remembered {
  readonly state: ModelStatus['state'];
  readonly sinceMs: number;
}

/**
 * The one owner of what is wanted where. Whenever demand, nodes or time change it looks at everything, plans for the
 * oldest waiter first, and commits what the plans change; nodes do the rest. [G-20 G-21 C-66]
 */
export class ResidencyLoop implements Residency {
  readonly #memory = new ResidencyMemory();
  readonly #times = new ReplicaTimes();
  readonly #failures = new LoadFailures(FAILURE_POLICY);
  readonly #told: ResidencyLog;
  readonly #listeners = new Set<(modelKey: string) => void>();
  readonly #stopped = new AbortController();
  readonly #states = new Map<string, Remembered>();
  readonly #failedGenerations = new Map<string, number>();
  readonly #fetchOrderedMs = new Map<string, number>();
  #demands: readonly Demand[] = [];
  #uses: ReadonlyMap<string, ReplicaUse> = new Map();
  #plans: ReadonlyMap<string, ResidencyPlan> = new Map();
  #leaving: ReadonlySet<string> = new Set();
  #look: WorldLook | null = null;
  #wake = new AbortController();
  #passedAtMs = Number.NEGATIVE_INFINITY;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly options: ResidencyLoopOptions) {
    this.#told = new ResidencyLog(options.log, options.metrics);
  }

  start(): void {
    this.options.nodes.onChange(() => this.#poke());
    this.#running = this.#run();
  }

  /** Ends after the pass that is under way. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the residency loop is closed'));
    this.#wake.abort();
    await this.#running;
    this.#listeners.clear();
  }

  update(demands: readonly Demand[], use: readonly ReplicaUse[]): void {
    this.#demands = demands;
    this.#uses = new Map(use.map((one) => [one.replicaId, one]));
    this.#poke();
  }

  statusOf(modelKey: string): ModelStatus {
    const now = this.#statusNow(modelKey, this.#world());
    const nowMs = this.options.clock.monotonicMs();
    const known = this.#states.get(modelKey);
    return { ...now, sinceMs: known?.state === now.state ? Math.round(nowMs - known.sinceMs) : 0 };
  }

  isYielding(replicaId: string): boolean {
    return this.#leaving.has(replicaId) || this.#world().yielding.has(replicaId);
  }

  onChange(listener: (modelKey: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #poke(): void {
    this.#look = null;
    this.#wake.abort();
  }

  #world(): WorldLook {
    const { nodes, models, wanted, clock } = this.options;
    return (this.#look ??= lookAtWorld({ nodes, models, wanted, memory: this.#memory, times: this.#times, demands: this.#demands, uses: this.#uses }, clock.monotonicMs()));
  }

  async #run(): Promise<void> {
    const { clock, onCrash } = this.options;
    try {
      await settleServed(this.options);
      while (!this.#stopped.signal.aborted) {
        this.#wake = new AbortController();
        const untilMs = await this.#pass();
        await clock.sleep(untilMs, this.#wake.signal).catch(() => undefined);
        const gapMs = this.#passedAtMs + GAP_MS - clock.monotonicMs();
        if (gapMs > 0) await clock.sleep(gapMs, this.#stopped.signal).catch(() => undefined);
      }
    } catch (error) {
      onCrash(error);
    }
  }

  /** Looks at everything once. Returns the milliseconds after which to look again though nothing changed. */
  async #pass(): Promise<number> {
    this.#passedAtMs = this.options.clock.monotonicMs();
    const nowMs = this.#passedAtMs;
    this.#look = null;
    const seen = this.#world();
    for (const done of this.#memory.observe(seen.pools, seen.views, seen.keyOf, nowMs)) this.#succeeded(done.view, () => this.#told.loaded(done));
    this.#forgetReset(seen, nowMs);
    const withdrawn = this.#withdrawFailed(seen, nowMs);
    const wishes = this.#wishes(nowMs);
    this.#times.observe(seen.pools, seen.useOf, this.#contended(wishes, seen), nowMs);

    this.#look = null;
    const world = this.#world();
    const planned = this.#plan(wishes, world);
    // Of several wishes for one model, the first is the one that waits.
    this.#plans = new Map(planned.toReversed().map(({ wish, plan }) => [wish.demand.modelKey, plan]));
    const committed = await this.#commit(withdrawn, planned, world);
    this.#tellChanges(world);
    this.#told.count(this.options.instances.list(), this.#world().views);
    if (committed !== 'nothing') return committed === 'done' ? GAP_MS : RETRY_COMMIT_MS;
    return this.#nextLookMs(wishes, nowMs);
  }

  #succeeded(view: AssignmentView, tell: () => void): void {
    this.#failures.clear(view.modelKey);
    tell();
  }

  /** A load that failed is no longer wanted, so that it holds no place; the next request wants it anew. */
  #withdrawFailed(world: WorldLook, nowMs: number): readonly WantedChange[] {
    return world.views.flatMap((view): WantedChange[] => {
      const { assignment, status, place, modelKey } = view;
      const isNews = this.#failedGenerations.get(instanceOf(assignment)) !== assignment.generation;
      const held = heldOf(view, nowMs - this.options.clock.nowMs());
      if (status?.residency !== 'failed' || assignment.wanted === 'absent' || !isNews || (held === null && world.wasResident(view))) return [];
      this.#failedGenerations.set(instanceOf(assignment), assignment.generation);
      this.#memory.givenUp(modelKey);
      this.#fetchOrderedMs.delete(fetchKey(modelKey, assignment.target.node_id));
      const message = status.last_error ?? 'the node does not say why; look at its log';
      if (this.#failures.blocking(modelKey, nowMs)?.message !== message) this.#told.failed(view, this.#failures.record(modelKey, message, nowMs, held), nowMs);
      const { org_id, instance_id, tier, model, target, source } = assignment;
      const isOnDisk = assignment.wanted === 'resident' && modelOn(place, model) !== undefined;
      return [{ instance: { orgId: org_id, instanceId: instance_id, tier }, model, wanted: isOnDisk ? 'on_disk' : 'absent', target: { nodeId: target.node_id, poolId: target.pool_id }, source, reason: `its load failed: ${message}` }];
    });
  }

  /** A breaker that was reset, or closed by itself, keeps nobody waiting. */
  #forgetReset(world: WorldLook, nowMs: number): void {
    for (const { modelKey, poolId, failedAtMs } of this.#failures.held()) {
      const pool = world.pools.find((one) => one.poolId === poolId);
      const isOpen = pool?.status.replicas.some((replica) => world.keyOf(replica) === modelKey && replica.breaker?.state === 'open') ?? true;
      if (!isOpen && nowMs - failedAtMs >= SHOWN_AFTER_MS) this.#failures.clear(modelKey);
    }
  }

  /** Who wants something: tasks that wait, then hot instances; not what has just failed. */
  #wishes(nowMs: number): readonly Wish[] {
    const all = [...this.#demands.map((demand): Wish => ({ demand, source: 'demand' })), ...this.options.hot()];
    return all.filter(({ demand }) => this.#failures.blocking(demand.modelKey, nowMs) === undefined);
  }

  /** Pools in which someone waits for a place. */
  #contended(wishes: readonly Wish[], world: WorldLook): ReadonlySet<string> {
    const unserved = wishes.filter(({ demand }) => demand.waitingTasks > 0 && !world.residentIn.has(demand.modelKey));
    const pools = usablePools(world.pools).map(({ poolId }) => poolId);
    return new Set(unserved.flatMap(({ demand }) => {
      const choice = poolChoice(demand.placement, world.pools);
      return choice === null ? pools : pools.filter((poolId) => choice.has(poolId));
    }));
  }

  #plan(wishes: readonly Wish[], world: WorldLook): readonly PlannedWish[] {
    const bySpec = new Map<string, Wish[]>();
    for (const wish of wishes) bySpec.set(wish.demand.modelKey, [...(bySpec.get(wish.demand.modelKey) ?? []), wish]);
    const waiting = wishes.map((wish) => {
      const one = waitingModel(wish, world);
      const tier = strongestTier((bySpec.get(wish.demand.modelKey) ?? []).map(({ demand }) => demand.instance.tier));
      return { wish, model: { ...one, wanted: { ...one.wanted, tier } } };
    });
    const plans = planWaiters(waiting.map(({ model }) => model), residencyPools(world), { quantumMs: this.options.swapQuantumMs });
    const wishOf = new Map(waiting.map(({ wish, model }) => [model.wanted, wish]));
    return plans.flatMap(({ wanted, plan }) => {
      const wish = wishOf.get(wanted);
      return wish === undefined ? [] : [{ wish, plan }];
    });
  }

  /** Commits what the plans change, all or nothing. */
  async #commit(withdrawn: readonly WantedChange[], planned: readonly PlannedWish[], world: WorldLook): Promise<'nothing' | 'done' | 'failed'> {
    const nowMs = this.options.clock.monotonicMs();
    const due = planned.map((one) => ({ one, changes: this.#isRefetch(one, nowMs) ? [] : changesOf(one, world, this.options.swapQuantumMs) }));
    const changes = distinct([...withdrawn, ...due.flatMap((each) => each.changes)]);
    if (changes.length === 0) return 'nothing';
    this.#leaving = new Set(planned.flatMap(({ plan }) => (plan.kind === 'load' ? plan.yields.map(({ replicaId }) => replicaId) : [])));
    try {
      await this.options.wanted.apply(changes);
    } catch (error) {
      this.#told.notCommitted(error);
      return 'failed';
    } finally {
      this.#leaving = new Set();
      this.#look = null;
    }
    for (const { one, changes: made } of due) if (made.length > 0) this.#ordered(one, nowMs);
    return 'done';
  }

  #ordered({ wish, plan }: PlannedWish, nowMs: number): void {
    const { modelKey } = wish.demand;
    for (const [key, orderedMs] of this.#fetchOrderedMs) if (nowMs - orderedMs >= REFETCH_MS) this.#fetchOrderedMs.delete(key);
    if (plan.kind === 'fetch') this.#fetchOrderedMs.set(fetchKey(modelKey, plan.nodeId), nowMs);
    if (plan.kind === 'fetch' || plan.kind === 'load') this.#memory.ordered(modelKey, plan.kind === 'fetch' ? 'absent' : 'on_disk', nowMs);
    this.#told.planned({ wish, plan }, this.#world().nameOfModel);
  }

  #isRefetch({ wish, plan }: PlannedWish, nowMs: number): boolean {
    return plan.kind === 'fetch' && nowMs - (this.#fetchOrderedMs.get(fetchKey(wish.demand.modelKey, plan.nodeId)) ?? Number.NEGATIVE_INFINITY) < REFETCH_MS;
  }

  #nextLookMs(wishes: readonly Wish[], nowMs: number): number {
    const plans = [...this.#plans.values()];
    const waits = plans.flatMap((plan) => (plan.kind === 'wait' && plan.untilMs > 0 ? [plan.untilMs] : []));
    const keys = new Set([...this.#demands, ...this.options.hot().map(({ demand }) => demand)].map(({ modelKey }) => modelKey));
    const retries = [...keys].flatMap((key) => this.#failures.blocking(key, nowMs)?.retryAtMs ?? []).map((atMs) => atMs - nowMs);
    const refetches = wishes.length > 0 && plans.some(({ kind }) => kind === 'fetch') ? [REFETCH_MS] : [];
    return Math.max(1, Math.min(60_000, ...waits, ...retries, ...refetches, ...this.#askForProgress(keys, nowMs)));
  }

  /** Somebody waits for what these nodes do: they are asked how far they are, since heartbeats come seldom. */
  #askForProgress(keys: ReadonlySet<string>, nowMs: number): readonly number[] {
    const working = new Set(this.#world().views.filter((view) => keys.has(view.modelKey) && isInProgress(view)).map(({ assignment }) => assignment.target.node_id));
    if (working.size === 0) return [];
    const dueInMs = this.#refreshedAtMs + PROGRESS_MS - nowMs;
    if (dueInMs > 0) return [dueInMs];
    this.#refreshedAtMs = nowMs;
    for (const nodeId of working) this.options.nodes.refresh(nodeId);
    return [PROGRESS_MS];
  }

  /** Tells listeners of every model whose state is another one than at the last look. */
  #tellChanges(before: WorldLook): void {
    const world = this.#world();
    const nowMs = this.options.clock.monotonicMs();
    const keys = new Set([...this.#states.keys(), ...this.#demands.map(({ modelKey }) => modelKey), ...before.residentIn.keys(), ...world.views.map(({ modelKey }) => modelKey)]);
    const changed: string[] = [];
    for (const key of keys) {
      const now = this.#statusNow(key, world);
      const known = this.#states.get(key)?.state ?? 'none';
      if (known === now.state) continue;
      if (now.state === 'none') this.#states.delete(key);
      else this.#states.set(key, { state: now.state, sinceMs: nowMs });
      this.#told.changed(world.nameOfModel(key), known, { ...now, sinceMs: 0 });
      changed.push(key);
    }
    for (const key of changed) for (const listener of [...this.#listeners]) listener(key);
  }

  #statusNow(modelKey: string, world: WorldLook): StatusNow {
    return statusNow({
      modelId: world.nameOfModel(modelKey),
      views: world.views.filter((view) => view.modelKey === modelKey),
      residentIn: world.residentIn.get(modelKey) ?? [],
      plan: this.#plans.get(modelKey),
      failure: this.#failures.get(modelKey),
      lastLoadMs: this.#memory.lastLoadMs(modelKey),
      nowMs: this.options.clock.monotonicMs(),
      wasResident: world.wasResident,
      nameOfModel: world.nameOfModel,
      nameOfReplica: world.nameOfReplica,
    });
  }
}

/** The first decision about an instance stands, unless a later one wants something else. */
function distinct(changes: readonly WantedChange[]): readonly WantedChange[] {
  const last = new Map<string, WantedChange>();
  return changes.filter((change) => {
    const key = `${change.instance.orgId}/${change.instance.instanceId}`;
    const before = last.get(key);
    last.set(key, change);
    return before === undefined || before.wanted !== change.wanted || before.target.poolId !== change.target.poolId || before.model !== change.model;
  });
}

function fetchKey(modelKey: string, nodeId: string): string {
  return `${modelKey} ${nodeId}`;
}

function instanceOf({ org_id, instance_id }: Assignment): string {
  return `${org_id}/${instance_id}`;
}
