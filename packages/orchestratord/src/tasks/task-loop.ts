import { setMaxListeners } from 'node:events';
import { ApiError } from '@corral/contracts';
import { Leases } from './leases.js';
import { Placer } from './placer.js';
import { activeOf, demandsOf, usesOf } from './residency-demand.js';
import { TaskBook } from './task-book.js';
import type { Admitted, NewTask, TaskLoopParts } from './task-loop-parts.js';
import { TaskRuns } from './task-runs.js';
import type { Task } from './task.js';
import { WaitingTasks } from './waiting-tasks.js';

/** How often waiting tasks are looked at although nothing happened: deadlines, quanta, progress. */
const TICK_MS = 200;

/**
 * The one owner of queues, leases and running tasks. Whatever may start a task ends in `#pump`, which
 * asks `decide`, through the placer, and nothing else where it goes. [A-03 G-24]
 */
export class TaskLoop {
  readonly #leases = new Leases();
  readonly #book: TaskBook;
  readonly #placer: Placer;
  readonly #waiting: WaitingTasks;
  readonly #runs: TaskRuns;
  #arrivals = 0;
  #ticking = false;
  #pumping = false;
  #pumpAgain = false;
  readonly #stopped = new AbortController();

  constructor(private readonly parts: TaskLoopParts) {
    const { pools, residency, journal, limits } = parts;
    const leases = this.#leases;
    // One listener for each replica that is left alone.
    setMaxListeners(0, this.#stopped.signal);
    const book = (this.#book = new TaskBook(parts));
    const placer = (this.#placer = new Placer({
      ...parts, leases,
      maxSnapshotAgeMs: limits.maxSnapshotAgeMs,
      onDecision: (task, phase, decision) => journal.decided(task, phase, decision),
    }));
    this.#waiting = new WaitingTasks({ ...parts, book, placer });
    this.#runs = new TaskRuns({
      ...parts, book, placer, leases,
      isStopping: () => this.#stopped.signal.aborted,
      onPlacedAgain: (heldMs) => {
        this.#pumpIn(heldMs);
        this.#waiting.moveStranded();
      },
      onOver: () => this.#pump(),
    });
    pools.onChange((change) => {
      this.#runs.giveUpOn(change);
      this.#waiting.moveStranded();
      this.#pump();
    });
    residency.onChange(() => this.#pump());
    residency.onLeft((instance, error) => {
      this.#waiting.refuse(instance, error);
      this.#pump();
    });
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
    const queuePosition = this.#book.admit(task, poolId);
    task.output.abandoned.addEventListener('abort', () => this.cancel(task.id, 'disconnected'), { once: true });

    const status = residency.statusOf(task.target.modelKey);
    const predictedStartMs = journal.predictStartMs(task, this.#book.queues.ahead(poolId, task.id), status);
    journal.admitted(task, poolId, queuePosition, predictedStartMs);
    task.output.started({ task_id: task.id, queue_position: queuePosition, predicted_start_ms: predictedStartMs, seed: task.spec.sampling.seed });
    if (task.output.abandoned.aborted) this.cancel(task.id, 'disconnected');
    this.#pump();
    this.#waiting.tellProgress(task);
    return { queuePosition, predictedStartMs, residency: status };
  }

  /** What is served has changed: queues have other policies, and models of waiting tasks other holders. */
  servedChanged(): void {
    this.#waiting.servedChanged();
    this.#pump();
  }

  /** Cancels wherever the task is; its reader gets nothing after this returns. False for a task that is not here. [B-67] */
  cancel(id: string, reason: 'canceled' | 'disconnected'): boolean {
    const task = this.#book.find(id);
    if (task === undefined) return false;
    this.#book.cancel(task, reason);
    return true;
  }

  /** As {@link cancel}, but a task of another organisation is not here. */
  cancelFor(orgId: string, id: string): boolean {
    return this.#book.find(id)?.orgId === orgId && this.cancel(id, 'canceled');
  }

  /** Ends tasks of one model with this error: those that wait, or all of them. Returns how many. [G-10] */
  endTasksOf(modelId: string, which: 'waiting' | 'all', error: ApiError): number {
    const asked = which === 'all' ? this.#book.all() : this.#book.waiting();
    const own = asked.filter(({ target }) => target.model.model_id === modelId);
    for (const task of own) this.#book.fail(task, error);
    if (own.length > 0) this.#pump();
    return own.length;
  }

  /** Waiting tasks of one class. */
  depthOf(poolId: string, priority: Task['priority']): number {
    return this.#book.queues.depth(poolId, priority);
  }

  leasesOf(poolId: string): number {
    return this.#leases.ofPool(poolId);
  }

  leasesOfReplica(replicaId: string): number {
    return this.#leases.ofReplica(replicaId);
  }

  /** Refuses new tasks, ends those that wait, lets running ones end by themselves within `graceMs`, then cuts them. */
  async stop(graceMs: number): Promise<void> {
    const { clock } = this.parts;
    this.#stopped.abort();
    for (const task of this.#book.waiting()) this.#book.fail(task, shuttingDown());
    const untilMs = clock.monotonicMs() + graceMs;
    while (this.#book.size > 0 && clock.monotonicMs() < untilMs) await clock.sleep(20);
    for (const task of this.#book.all()) this.#book.fail(task, shuttingDown());
  }

  #pump(): void {
    if (this.#pumping) return void (this.#pumpAgain = true);
    this.#pumping = true;
    try {
      do {
        this.#pumpAgain = false;
        while (this.#startNext());
      } while (this.#pumpAgain);
      this.#tellResidency();
    } finally {
      this.#pumping = false;
    }
    this.#tickWhileWaiting();
  }

  /** Starts the first head that can start; that may put another one of its model forward. */
  #startNext(): boolean {
    const pools = this.#placer.snapshots();
    for (const { id } of this.#book.queues.heads()) {
      const task = this.#book.find(id);
      const place = task === undefined ? null : this.#placer.dispatch(task, pools);
      if (task === undefined || place === null) continue;
      this.#runs.start(task, place);
      return true;
    }
    return false;
  }

  #pumpIn(delayMs: number): void {
    void this.parts.clock.sleep(delayMs, this.#stopped.signal).then(() => this.#pump(), () => undefined);
  }

  #tellResidency(): void {
    const { pools, clock, residency, keyOf, holderOf } = this.parts;
    const waiting = demandsOf(this.#book.waiting(), clock.monotonicMs(), holderOf);
    residency.update(waiting, usesOf(pools.pools(), this.#leases, waiting, keyOf), activeOf(this.#book.all(), holderOf));
  }

  /** Deadlines and progress of whoever waits; runs only while someone does. */
  #tickWhileWaiting(): void {
    if (this.#ticking || this.#book.queues.length === 0 || this.#stopped.signal.aborted) return;
    this.#ticking = true;
    void this.parts.clock.sleep(TICK_MS, this.#stopped.signal).then(
      () => {
        this.#ticking = false;
        this.#waiting.watch();
        this.#pump();
      },
      () => undefined,
    );
  }
}

function shuttingDown(): ApiError {
  return new ApiError('SHUTTING_DOWN', 'the server is stopping; send the request again in a moment', { retry_after_ms: 2_000 });
}
