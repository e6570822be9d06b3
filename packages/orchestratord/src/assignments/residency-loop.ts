import type { ApiError, Preload } from '@corral/contracts';
import { instanceKeyOf } from '../instances/instance-registry.js';
import type { InstanceKey } from '../store/instance-rows.js';
import { keyOfView, type AssignmentView } from './assignment-view.js';
import { CallDesk } from './call-desk.js';
import type { ActiveInstance, Demand, ModelStatus, ReplicaUse } from './demand.js';
import { DefinitionChanges } from './definition-changes.js';
import { FailureWatch } from './failure-watch.js';
import { InstanceUses } from './instance-uses.js';
import type { InstanceState, Lifecycle, LoadCause, UnloadCause } from './lifecycle.js';
import { leftError, refusalOfInstance } from './not-loaded.js';
import { NextLook } from './next-look.js';
import type { PlannedWish } from './plan-changes.js';
import { planPass, type OrderToPlan, type PassPlan } from './plan-pass.js';
import { contendedPools } from './plan-wishes.js';
import { preloadsOf } from './preloads.js';
import { RecentFetches } from './recent-fetches.js';
import { ReplicaTimes } from './replica-times.js';
import { leavingReplicas, type Wish } from './residency-input.js';
import { ResidencyLog } from './residency-log.js';
import type { ResidencyLoopOptions } from './residency-loop-options.js';
import { retiredChanges } from './retired-changes.js';
import { ResidencyMemory } from './residency-memory.js';
import { lookAtWorld, type WorldLook } from './residency-world.js';
import type { Residency } from './residency.js';
import { servedMeanwhile } from './served-meanwhile.js';
import { StatusBoard } from './status-board.js';
import { takenOver } from './taken-over.js';
import type { AppliedChange, WantedChange } from './wanted-set.js';
import { Wishes } from './wishes.js';

/** Changes that come faster are looked at together. */
const GAP_MS = 20;
/** A plan that could not be committed is made again after so long. */
const RETRY_COMMIT_MS = 1_000;

/**
 * The one owner of what is wanted where. Whenever a call comes, or demand, nodes or time change, it looks at everything,
 * plans for the oldest waiter first, and commits what the plans change; nodes do the rest. [G-20 G-21 C-66 C-206]
 */
export class ResidencyLoop implements Residency, Lifecycle {
  /** What follows from what is defined. */
  readonly definitions: DefinitionChanges;
  readonly #memory = new ResidencyMemory();
  readonly #times = new ReplicaTimes();
  readonly #failures = new FailureWatch();
  readonly #uses = new InstanceUses();
  readonly #calls: CallDesk;
  readonly #board: StatusBoard;
  readonly #wishes: Wishes;
  readonly #nextLook: NextLook;
  readonly #fetches = new RecentFetches();
  readonly #told: ResidencyLog;
  readonly #leftListeners = new Set<(instance: InstanceKey, error: ApiError) => void>();
  readonly #stopped = new AbortController();
  #demands: readonly Demand[] = [];
  #active: readonly ActiveInstance[] = [];
  #replicaUses: ReadonlyMap<string, ReplicaUse> = new Map();
  #leaving: ReadonlySet<string> = new Set();
  #look: WorldLook | null = null;
  #wake = new AbortController();
  #passedAtMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly options: ResidencyLoopOptions) {
    const { clock, instances } = options;
    this.#told = new ResidencyLog(options.log, options.metrics);
    this.#uses.restore(instances.list(), clock.monotonicMs() - clock.nowMs());
    this.#calls = new CallDesk({ ...options, told: this.#told, poke: () => this.#poke() });
    this.definitions = new DefinitionChanges({ ...options, failures: this.#failures, look: () => this.#lookAnew(), board: () => this.#board, active: () => this.#active, isOpen: (key) => this.#calls.isOpen(key), poke: () => this.#poke() });
    this.#board = new StatusBoard({ ...options, memory: this.#memory, failures: this.#failures, told: this.#told, world: () => this.#world() });
    this.#wishes = new Wishes({ ...options, failures: this.#failures, calls: this.#calls, startedAtMs: clock.monotonicMs(), prepared: () => this.definitions.wishes() });
    this.#nextLook = new NextLook({ nodes: options.nodes, failures: this.#failures });
  }

  start(): void {
    this.options.nodes.onChange(() => this.#poke());
    this.#running = this.#run();
  }

  /** Ends after the pass that is under way; calls that wait are refused. */
  async close(): Promise<void> {
    const { clock, wanted } = this.options;
    this.#stopped.abort(new Error('the residency loop is closed'));
    this.#wake.abort();
    await this.#running;
    this.#calls.close();
    this.definitions.close();
    this.#board.close();
    this.#leftListeners.clear();
    await wanted.noteUses(this.#uses.all(clock.monotonicMs(), clock.nowMs())).catch((error: unknown) => this.#told.notCommitted(error));
  }

  update(demands: readonly Demand[], use: readonly ReplicaUse[], active: readonly ActiveInstance[]): void {
    this.#demands = demands;
    this.#active = active;
    this.#replicaUses = new Map(use.map((one) => [one.replicaId, one]));
    this.#uses.observe(active, this.options.clock.monotonicMs());
    this.#poke();
  }

  load(key: InstanceKey, { tier, source, correlationId }: LoadCause): Promise<void> {
    return this.#calls.call(key, { kind: 'load', tier, source }, correlationId);
  }

  unload(key: InstanceKey, { correlationId }: UnloadCause): Promise<void> {
    return this.#calls.call(key, { kind: 'unload' }, correlationId);
  }

  refresh(key: InstanceKey, correlationId: string): Promise<void> {
    return this.#calls.call(key, { kind: 'refresh' }, correlationId);
  }

  stateOf(key: InstanceKey): InstanceState {
    return this.#board.stateOf(key);
  }

  /** The model that answers for an instance of this model until its own is loaded. [C-269] */
  servedMeanwhile(key: InstanceKey, modelRef: string): string | null {
    return servedMeanwhile(instanceKeyOf(key), modelRef, { world: this.#world(), specOf: this.options.models.specOf });
  }

  refusalOf(instance: InstanceKey): ApiError | null {
    const record = this.options.instances.find(instance);
    if (record?.kind === 'explicit' && record.status === 'active' && this.servedMeanwhile(instance, record.modelRef) !== null) return null;
    return refusalOfInstance(record, () => this.stateOf(instance));
  }

  statusOf(modelKey: string): ModelStatus {
    return this.#board.statusOf(modelKey);
  }

  /** What is to be resident from the start, and is to be on this node or has no place yet. [C-268] */
  preloadsOf(nodeId: string): readonly Preload[] {
    const { models, wanted } = this.options;
    const held = this.#wishes.standing().filter(({ demand }) => !models.isRetired(demand.model.model_id));
    return preloadsOf(nodeId, { held, assignmentOf: (key) => wanted.find(key), statusOf: (modelKey) => this.statusOf(modelKey), failureOf: (modelKey) => this.#failures.get(modelKey)?.message });
  }

  isYielding(replicaId: string): boolean {
    return this.#leaving.has(replicaId) || this.#world().yielding.has(replicaId);
  }

  onChange(listener: (modelKey: string) => void): () => void {
    return this.#board.onChange(listener);
  }

  onLeft(listener: (instance: InstanceKey, error: ApiError) => void): () => void {
    this.#leftListeners.add(listener);
    return () => void this.#leftListeners.delete(listener);
  }

  /** Runs a job while nothing is decided. */
  between<T>(job: () => Promise<T> | T): Promise<T> {
    return this.definitions.between(job);
  }

  /** Something that plans follow from has changed elsewhere: the catalog, or what is served. */
  readonly wake = (): void => this.#poke();

  #poke(): void {
    this.#look = null;
    this.#wake.abort();
  }

  #world(): WorldLook {
    const { nodes, models, wanted, clock } = this.options;
    return (this.#look ??= lookAtWorld({ nodes, models, wanted, memory: this.#memory, times: this.#times, refusals: this.#failures.refusals, demands: this.#demands, uses: this.#replicaUses }, clock.monotonicMs()));
  }

  #lookAnew(): WorldLook {
    this.#look = null;
    return this.#world();
  }

  async #run(): Promise<void> {
    const { clock, onCrash } = this.options;
    try {
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
    if (!(await this.#calls.takeBack()) || !(await this.#takeOver())) return RETRY_COMMIT_MS;
    this.#look = null;
    const withdrawn = this.#observe(this.#world(), nowMs);
    const orders = this.#takeOrders(nowMs);
    const wishes = this.#wishes.due({ demands: this.#demands, active: this.#active, world: this.#world(), nowMs });
    this.#times.observe({ ...this.#world(), leaving: leavingReplicas(this.#world()), contended: contendedPools(wishes, this.#world()) }, nowMs);

    this.#look = null;
    const world = this.#world();
    const plan = this.#plan({ orders, wishes, withdrawn, world, nowMs });
    this.#board.planned(plan.planned);
    const committed = await this.#commit(plan, orders, nowMs);
    this.#board.tellChanges(world, this.#demands.map(({ modelKey }) => modelKey));
    this.#told.count(this.options.instances.list(), this.#world().views);
    if (committed !== 'nothing') return committed === 'done' ? GAP_MS : RETRY_COMMIT_MS;
    await this.#noteUses(nowMs);
    const { views } = this.#world();
    return this.#nextLook.afterMs({ plans: [...this.#board.plans.values()], wantedKeys: this.#wishes.modelKeys(this.#demands), views, nextIdleMs: plan.nextIdleMs, nowMs });
  }

  /** Definitions are followed, and what operators did to pools at their nodes is wanted from now on. False when that could not be committed. */
  #takeOver(): Promise<boolean> {
    return this.definitions.beforeLook().then(() => this.options.wanted.apply(takenOver(this.#lookAnew()))).then(
      () => true,
      (error: unknown) => (this.#told.notCommitted(error), false),
    );
  }

  /** Takes in what nodes report: loads that are done, loads that failed. Returns what the failed ones change. */
  #observe(seen: WorldLook, nowMs: number): readonly WantedChange[] {
    for (const done of this.#memory.observe(seen.pools, seen.views, seen.keyOf, nowMs)) {
      this.#failures.clear(done.view.modelKey);
      this.#told.loaded(done);
    }
    for (const view of seen.views) this.#noteArrival(view, nowMs);
    return this.#failures.observe(seen, nowMs, nowMs - this.options.clock.nowMs()).flatMap(({ view, failure, againMs, change }) => {
      if (againMs !== null) return (this.#told.noRoom(view, againMs), change ?? []);
      this.#memory.givenUp(view.modelKey);
      this.#fetches.forget(view.modelKey, view.assignment.target.node_id);
      this.#calls.hadItsTurn(keyOfView(view));
      if (failure !== null) this.#told.failed(view, failure, nowMs);
      return change ?? [];
    });
  }

  /** The time of an instance begins when it is there, and its call has had its turn. */
  #noteArrival(view: AssignmentView, nowMs: number): void {
    const { assignment, status } = view;
    if (assignment.wanted !== 'resident') return;
    if (status?.residency === 'resident') this.#calls.hadItsTurn(keyOfView(view));
    else this.#uses.touch({ orgId: assignment.org_id, instanceId: assignment.instance_id }, nowMs);
  }

  #takeOrders(nowMs: number): readonly OrderToPlan[] {
    const orders = this.#calls.take();
    for (const { order, model } of orders) {
      if (order.what.kind !== 'load') continue;
      // Later calls of one pass count as used later.
      this.#uses.touch(order.key, nowMs + order.seq * 1e-6);
      this.#failures.retry(this.#world().modelKeyOf(model));
    }
    return orders;
  }

  #plan({ orders, wishes, withdrawn, world, nowMs }: { readonly orders: readonly OrderToPlan[]; readonly wishes: readonly Wish[]; readonly withdrawn: readonly WantedChange[]; readonly world: WorldLook; readonly nowMs: number }): PassPlan {
    const { instances, models, hotCeiling, swapQuantumMs } = this.options;
    const records = new Map(instances.list().map((record) => [instanceKeyOf(record), record]));
    return planPass({
      world, nowMs, orders, wishes, hotCeiling,
      withdrawn: [...withdrawn, ...retiredChanges(world.views, models, (key) => this.#uses.isActive(key) || this.#calls.isOpen(key))],
      pinned: models.pinned(),
      quantumMs: swapQuantumMs,
      tiers: { recordOf: (key) => records.get(key), lastUsedMs: (key) => this.#uses.lastMs(key, nowMs), isActive: (key) => this.#uses.isActive(key) || this.#calls.isOpen(key) },
      isBlocked: (modelKey) => this.#failures.blocking(modelKey, nowMs) !== undefined,
      isRefetch: ({ wish, plan }) => (plan.kind === 'load' && plan.yields.length > 0 && this.definitions.isPreparing(wish.demand.modelKey)) || (plan.kind === 'fetch' && this.#fetches.isRecent(wish.demand.modelKey, plan.nodeId, nowMs)),
    });
  }

  /** Commits what the plans change, all or nothing, and answers the calls. */
  async #commit(plan: PassPlan, orders: readonly OrderToPlan[], nowMs: number): Promise<'nothing' | 'done' | 'failed'> {
    const { changes, answers, planned, due } = plan;
    await this.#calls.answer(answers);
    if (changes.length === 0) return 'nothing';
    this.#leaving = new Set(planned.flatMap((one) => (one.plan.kind === 'load' ? one.plan.yields.map(({ replicaId }) => replicaId) : [])));
    const before = this.#calls.before(changes);
    let applied: readonly AppliedChange[];
    try {
      applied = await this.options.wanted.apply(changes);
    } catch (error) {
      this.#told.notCommitted(error);
      this.#calls.failed(orders, error);
      return 'failed';
    } finally {
      this.#leaving = new Set();
      this.#look = null;
    }
    this.#calls.committed(plan, applied, before);
    for (const one of due) this.#ordered(one, nowMs);
    for (const change of changes) this.#tellLeft(change, orders);
    return 'done';
  }

  /** Tasks that wait for an instance which was taken from its place are told so, where no load would follow by itself. */
  #tellLeft(change: WantedChange, orders: readonly OrderToPlan[]): void {
    if (change.wanted === 'resident' || change.event !== 'unload') return;
    const record = this.options.instances.find(change.instance);
    const isUnload = orders.some(({ order }) => order.what.kind === 'unload' && instanceKeyOf(order.key) === instanceKeyOf(change.instance));
    const error = leftError(record, change.reason, isUnload);
    if (error !== null) for (const listener of [...this.#leftListeners]) listener({ orgId: change.instance.orgId, instanceId: change.instance.instanceId }, error);
  }

  #ordered({ wish, plan }: PlannedWish, nowMs: number): void {
    const { modelKey } = wish.demand;
    if (plan.kind === 'fetch') this.#fetches.note(modelKey, plan.nodeId, nowMs);
    if (plan.kind === 'fetch') this.#memory.ordered(modelKey, 'absent', nowMs);
    if (plan.kind === 'load') this.#memory.ordered(modelKey, plan.why.weights === 'staged' ? 'staged' : 'on_disk', nowMs);
    this.#told.planned({ wish, plan }, this.#world().nameOfModel);
  }

  async #noteUses(nowMs: number): Promise<void> {
    const uses = this.#uses.due(nowMs, this.options.clock.nowMs());
    if (uses.length > 0) await this.options.wanted.noteUses(uses).catch((error: unknown) => this.#told.notCommitted(error));
  }
}
