import { setMaxListeners } from 'node:events';
import { ApiError } from '@corral/contracts';
import type { AnswerProgress, DispatchOutcome } from './dispatcher.js';
import { generateRequestOf, workerDeadlines } from './generate-request.js';
import { Leases } from './leases.js';
import { Placer } from './placer.js';
import { PoolQueues } from './pool-queues.js';
import { activeOf, demandsOf, entryOf, usesOf } from './residency-demand.js';
import type { Admitted, NewTask, TaskLoopParts } from './task-loop-parts.js';
import type { Ending } from './task-output.js';
import type { NodeChange } from '../nodes/node-view.js';
import type { InstanceKey } from '../store/instance-rows.js';
import type { Task, TaskState } from './task.js';
import { afterTries } from './tries.js';
import { expiredWait } from './wait-limits.js';

/** How often waiting tasks are looked at although nothing happened: deadlines, quanta, progress. */
const TICK_MS = 200;
/** A stream that was silent for so long when its node went away has gone with it. */
const FLOWING_MS = 3_000;

type Running = Extract<TaskState, { at: 'running' }>;

/**
 * The one owner of queues, leases and running tasks. Whatever may start a task ends in `#pump`, which
 * asks `decide`, through the placer, and nothing else where it goes. [A-03 G-24]
 */
export class TaskLoop {
  readonly #queues: PoolQueues;
  readonly #leases = new Leases();
  readonly #placer: Placer;
  readonly #tasks = new Map<string, Task>();
  #arrivals = 0;
  #ticking = false;
  #pumping = false;
  #pumpAgain = false;
  readonly #stopped = new AbortController();

  constructor(private readonly parts: TaskLoopParts) {
    const { pools, residency, models, clock, journal } = parts;
    // One listener for each replica that is left alone.
    setMaxListeners(0, this.#stopped.signal);
    this.#queues = new PoolQueues((poolId) => parts.queuePolicyOf(poolId));
    this.#placer = new Placer({
      pools, residency, models, clock,
      leases: this.#leases,
      maxSnapshotAgeMs: parts.limits.maxSnapshotAgeMs,
      keyOf: (replica) => parts.keyOf(replica),
      onDecision: (task, phase, decision) => journal.decided(task, phase, decision),
    });
    pools.onChange((change) => {
      this.#giveUpOn(change);
      this.#moveStranded();
      this.#pump();
    });
    residency.onChange(() => this.#pump());
    residency.onLeft((instance, error) => this.#refuseWaiting(instance, error));
  }

  /** Admits a task or throws the refusal. The output has its `started` before this returns. */
  submit(fresh: NewTask): Admitted {
    const { clock, journal, residency } = this.parts;
    if (this.#stopped.signal.aborted) throw shuttingDown();
    const refused = residency.refusalOf(fresh.target.instance);
    if (refused !== null) throw refused;
    const arrival = { arrivalSeq: this.#arrivals++, arrivedMs: clock.monotonicMs(), createdS: Math.floor(clock.nowMs() / 1_000) };
    const task: Task = { ...fresh, ...arrival, tries: [], loadingSinceMs: null, loadedMs: 0, spentMs: 0, state: { at: 'ended' } };
    const poolId = this.#placer.admit(task);
    const hopeless = this.#placer.hopeless(task);
    if (hopeless !== null) throw hopeless;
    const admission = this.#queues.enqueue(poolId, entryOf(task));
    if (admission.kind === 'already_queued') throw new ApiError('CONFLICT', `task ${task.id} is queued already; choose another task_id`, { field: 'task_id' });
    if (admission.kind === 'rejected') throw journal.queueFull(poolId, this.parts.queuePolicyOf(poolId), this.#queues.lengthOf(poolId));
    task.state = { at: 'queued', poolId };
    this.#tasks.set(task.id, task);
    for (const { id } of admission.evicted) this.#evict(id);
    task.output.abandoned.addEventListener('abort', () => this.cancel(task.id, 'disconnected'), { once: true });

    const status = residency.statusOf(task.target.modelKey);
    const predictedStartMs = journal.predictStartMs(task, this.#queues.ahead(poolId, task.id), status);
    journal.admitted(task, poolId, admission.position, predictedStartMs);
    task.output.started({ task_id: task.id, queue_position: admission.position, predicted_start_ms: predictedStartMs, seed: task.spec.sampling.seed });
    if (task.output.abandoned.aborted) this.cancel(task.id, 'disconnected');
    this.#pump();
    this.#tellProgress(task);
    return { queuePosition: admission.position, predictedStartMs, residency: status };
  }

  /** What is served has changed: queues have other policies, and models of waiting tasks other holders. */
  servedChanged(): void {
    this.#queues.applyPolicies();
    for (const task of this.#waiting()) this.#retarget(task);
    this.#pump();
  }

  #retarget(task: Task): void {
    const target = this.parts.targetNow(task.target);
    if (target === task.target || task.state.at !== 'queued') return;
    const { poolId } = task.state;
    this.#queues.remove(poolId, task.id);
    task.target = target;
    this.#queues.restore(poolId, entryOf(task));
  }

  /** Cancels wherever the task is; its reader gets nothing after this returns. False for a task that is not here. [B-67] */
  cancel(id: string, reason: 'canceled' | 'disconnected'): boolean {
    const task = this.#tasks.get(id);
    if (task === undefined) return false;
    const { state } = task;
    const progress = state.at === 'running' ? state.progress : null;
    const decodeTimeMs = progress?.firstByteAtMs == null ? 0 : Math.round(this.parts.clock.monotonicMs() - progress.firstByteAtMs);
    this.#end(task, { kind: 'canceled', tokensOut: progress?.frames ?? 0, decodeTimeMs });
    this.parts.journal.canceled(task, state, reason);
    if (state.at === 'running') state.stop.abort(new Error(reason));
    return true;
  }

  /** As {@link cancel}, but a task of another organisation is not here. */
  cancelFor(orgId: string, id: string): boolean {
    return this.#tasks.get(id)?.orgId === orgId && this.cancel(id, 'canceled');
  }

  /** Ends tasks of one model with this error: those that wait, or all of them. Returns how many. [G-10] */
  endTasksOf(modelId: string, which: 'waiting' | 'all', error: ApiError): number {
    const own = [...this.#tasks.values()].filter(({ target, state }) => target.model.model_id === modelId && (which === 'all' || state.at === 'queued'));
    for (const task of own) this.#fail(task, error);
    if (own.length > 0) this.#pump();
    return own.length;
  }

  /** Waiting tasks of one class. */
  depthOf(poolId: string, priority: Task['priority']): number {
    return this.#queues.depth(poolId, priority);
  }

  leasesOf(poolId: string): number {
    return this.#leases.ofPool(poolId);
  }

  leasesOfReplica(replicaId: string): number {
    return this.#leases.ofReplica(replicaId);
  }

  /** Refuses new tasks, ends those that wait, lets running ones end by themselves within `graceMs`, then cuts them. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped.abort();
    for (const task of [...this.#tasks.values()]) if (task.state.at === 'queued') this.#fail(task, shuttingDown());
    const untilMs = this.parts.clock.monotonicMs() + graceMs;
    while (this.#tasks.size > 0 && this.parts.clock.monotonicMs() < untilMs) await this.parts.clock.sleep(20);
    for (const task of [...this.#tasks.values()]) this.#fail(task, shuttingDown());
  }

  #pump(): void {
    if (this.#pumping) return void (this.#pumpAgain = true);
    this.#pumping = true;
    try {
      do {
        this.#pumpAgain = false;
        this.#startWhatCan();
      } while (this.#pumpAgain);
      this.#tellResidency();
    } finally {
      this.#pumping = false;
    }
    this.#tickWhileWaiting();
  }

  /** Goes through the heads in order; each start may put another head of the same model forward. */
  #startWhatCan(): void {
    for (let started = true; started; ) {
      started = false;
      const pools = this.#placer.snapshots();
      for (const { id } of this.#queues.heads()) {
        const task = this.#tasks.get(id);
        const decision = task === undefined ? null : this.#placer.dispatch(task, pools);
        if (task === undefined || decision === null || decision.replicaId === null) continue;
        this.#start(task, decision.nodeId, decision.poolId, decision.replicaId);
        started = true;
        break;
      }
    }
  }

  #start(task: Task, nodeId: string, poolId: string, replicaId: string): void {
    const { clock, limits, dispatcher, journal } = this.parts;
    if (task.state.at === 'queued') this.#queues.remove(task.state.poolId, task.id);
    const nowMs = clock.monotonicMs();
    const [stop, lost] = [new AbortController(), new AbortController()];
    const progress: AnswerProgress = { frames: 0, firstByteAtMs: null, lastByteAtMs: null };
    endLoad(task, nowMs);
    task.state = { at: 'running', nodeId, poolId, replicaId, startedMs: nowMs, stop, lost, progress };
    task.pin.dispatched();
    const release = this.#leases.take(poolId, replicaId, task.id);
    journal.started(task, poolId, replicaId);
    const request = generateRequestOf(task, { poolId, replicaId }, workerDeadlines(task, nowMs, limits));
    void dispatcher.run({ nodeId, poolId, request, output: task.output, progress, signal: stop.signal, lost: lost.signal }).then((outcome) => {
      release();
      if (progress.firstByteAtMs !== null) this.#placer.works(replicaId);
      this.#settle(task, outcome);
      this.#pump();
    });
  }

  #settle(task: Task, outcome: DispatchOutcome): void {
    const { state } = task;
    if (state.at !== 'running') return;
    if (outcome.kind === 'completed') {
      this.#end(task, { kind: 'completed' });
      this.parts.journal.completed(task, state, outcome.usage);
      return;
    }
    if (outcome.kind === 'told') {
      task.pin.ended(true);
      this.#end(task, { kind: 'completed' });
      return this.parts.journal.failed(task, state, outcome.error);
    }
    if (outcome.kind === 'aborted') return this.#fail(task, new ApiError('WORKER_RESET', 'the answer was cut; send the request again'));
    this.#retry(task, state, outcome);
  }

  /** Places a task again that nobody has seen anything of, with the same request, a bounded number of times. [B-68] */
  #retry(task: Task, state: Running, { error, placeAgain, attempted }: Extract<DispatchOutcome, { kind: 'failed' }>): void {
    const { attemptsMax } = this.parts.limits;
    const { nodeId, poolId, replicaId, startedMs } = state;
    const before = task.tries;
    if (attempted) task.tries = [...before, { nodeId, poolId, replicaId, code: error.code }];
    if (!placeAgain) return this.#fail(task, afterTries(error, before));
    if (task.tries.length >= attemptsMax || this.#stopped.signal.aborted) return this.#fail(task, afterTries(error, task.tries));
    this.#pumpIn(this.#placer.hold(replicaId));
    this.parts.journal.placedAgain(task, state, error);
    task.spentMs += this.parts.clock.monotonicMs() - startedMs + task.loadedMs;
    task.loadedMs = 0;
    task.state = { at: 'queued', poolId };
    this.#queues.restore(poolId, entryOf(task));
    this.#moveStranded();
  }

  #pumpIn(delayMs: number): void {
    void this.parts.clock.sleep(delayMs, this.#stopped.signal).then(() => this.#pump(), () => undefined);
  }

  /** What runs on a node that is away, or that began anew, is lost there; a stream that still flows is left to its watch. [DESIGN 9] */
  #giveUpOn(change: NodeChange): void {
    if (change.type !== 'offline' && change.type !== 'restarted') return;
    const flowsSinceMs = this.parts.clock.monotonicMs() - FLOWING_MS;
    for (const { state } of this.#tasks.values()) {
      if (state.at !== 'running' || state.nodeId !== change.nodeId) continue;
      const flows = change.type === 'offline' && state.progress.frames > 0 && (state.progress.lastByteAtMs ?? flowsSinceMs) > flowsSinceMs;
      if (!flows) state.lost.abort(new Error(change.reason));
    }
  }

  #tellResidency(): void {
    const { pools, clock, residency, keyOf, holderOf } = this.parts;
    const waiting = demandsOf(this.#waiting(), clock.monotonicMs(), holderOf);
    residency.update(waiting, usesOf(pools.pools(), this.#leases, waiting, keyOf), activeOf(this.#tasks.values(), holderOf));
  }

  /** Deadlines and progress of whoever waits; runs only while someone does. */
  #tickWhileWaiting(): void {
    if (this.#ticking || this.#queues.length === 0 || this.#stopped.signal.aborted) return;
    this.#ticking = true;
    void this.parts.clock.sleep(TICK_MS, this.#stopped.signal).then(
      () => {
        this.#ticking = false;
        for (const task of this.#waiting()) this.#watch(task);
        this.#pump();
      },
      () => undefined,
    );
  }

  #watch(task: Task): void {
    const { residency, clock, limits } = this.parts;
    const status = residency.statusOf(task.target.modelKey);
    const nowMs = clock.monotonicMs();
    const loading = status.state === 'loading' || status.state === 'fetching';
    if (loading) task.loadingSinceMs ??= nowMs;
    else endLoad(task, nowMs);
    const { spec, target, ...waited } = task;
    const error = this.#placer.hopeless(task) ?? expiredWait({ ...waited, modelId: target.model.model_id, deadlineMs: spec.deadlineMs }, status, nowMs, limits);
    if (error !== null) return this.#fail(task, afterTries(error, task.tries));
    this.#tellProgress(task);
  }

  #tellProgress(task: Task): void {
    if (task.state.at !== 'queued') return;
    const { poolId } = task.state;
    const frame = this.parts.journal.waiting(task, this.parts.residency.statusOf(task.target.modelKey), {
      position: this.#queues.positionOf(poolId, task.id) ?? 0,
      depth: this.#queues.lengthOf(poolId),
    });
    if (frame !== null) task.output.metrics(frame);
  }

  /** Tasks whose pool cannot serve them any more wait in another one's queue, where there is one. [G-06] */
  #moveStranded(): void {
    const serving = new Set(this.parts.pools.pools().filter((p) => p.online && p.status.ready && !p.status.draining).map((p) => p.status.pool_id));
    for (const task of this.#waiting()) {
      if (task.state.at !== 'queued' || serving.has(task.state.poolId)) continue;
      const poolId = this.#placer.replace(task);
      if (poolId === null || poolId === task.state.poolId) continue;
      this.#queues.remove(task.state.poolId, task.id);
      this.#queues.restore(poolId, entryOf(task));
      task.state = { at: 'queued', poolId };
    }
  }

  #waiting(): Task[] {
    return [...this.#tasks.values()].filter((task) => task.state.at === 'queued');
  }

  /** Its instance was taken from its place, and no load follows by itself. [G-03] */
  #refuseWaiting({ orgId, instanceId }: InstanceKey, error: ApiError): void {
    for (const task of this.#waiting()) {
      const { instance } = task.target;
      if (instance.orgId === orgId && instance.instanceId === instanceId) this.#fail(task, afterTries(error, task.tries));
    }
    this.#pump();
  }

  #evict(id: string): void {
    const task = this.#tasks.get(id);
    if (task !== undefined) this.#fail(task, new ApiError('QUEUE_FULL_DROP_LRU', 'a newer task took this place in the full queue; send it again later', { retry_after_ms: 1_000, policy_label: 'drop-lru' }));
  }

  #fail(task: Task, error: ApiError): void {
    const { state } = task;
    this.#end(task, { kind: 'failed', error });
    this.parts.journal.failed(task, state, error);
    if (state.at === 'running') state.stop.abort(error);
  }

  #end(task: Task, ending: Ending): void {
    if (task.state.at === 'queued') this.#queues.remove(task.state.poolId, task.id);
    task.state = { at: 'ended' };
    this.#tasks.delete(task.id);
    task.pin.ended(ending.kind === 'failed');
    task.output.end(ending);
  }
}

function shuttingDown(): ApiError {
  return new ApiError('SHUTTING_DOWN', 'the server is stopping; send the request again in a moment', { retry_after_ms: 2_000 });
}

/** Its model is no longer on its way: what that took counts as loading, not as queueing. */
function endLoad(task: Task, nowMs: number): void {
  if (task.loadingSinceMs !== null) task.loadedMs += nowMs - task.loadingSinceMs;
  task.loadingSinceMs = null;
}
