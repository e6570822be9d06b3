import { ApiError } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { NodeChange } from '../nodes/node-view.js';
import type { AnswerProgress, Dispatcher, DispatchOutcome } from './dispatcher.js';
import { generateRequestOf, workerDeadlines } from './generate-request.js';
import type { Leases } from './leases.js';
import type { Placer, ReplicaPlace } from './placer.js';
import type { TaskBook } from './task-book.js';
import type { TaskJournal } from './task-journal.js';
import type { TaskLimits } from './task-loop-parts.js';
import type { RunningState, Task } from './task.js';
import { afterTries } from './tries.js';

/** A stream that was silent for so long when its node went away has gone with it. */
const FLOWING_MS = 3_000;

export interface TaskRunsParts {
  readonly book: TaskBook;
  readonly placer: Placer;
  readonly leases: Leases;
  readonly dispatcher: Dispatcher;
  readonly journal: TaskJournal;
  readonly clock: Clock;
  readonly limits: TaskLimits;
  /** Nothing is placed again any more. */
  isStopping(): boolean;
  /** A task waits again; the replica that it left takes none for so many milliseconds. */
  onPlacedAgain(heldMs: number): void;
  /** A run is over and its lease given back. */
  onOver(): void;
}

/** Tasks on replicas: from the dispatch to what its outcome means for the task. */
export class TaskRuns {
  constructor(private readonly parts: TaskRunsParts) {}

  start(task: Task, { nodeId, poolId, replicaId }: ReplicaPlace): void {
    const { book, placer, leases, clock, limits, dispatcher, journal, onOver } = this.parts;
    const startedMs = clock.monotonicMs();
    const [stop, lost] = [new AbortController(), new AbortController()];
    const progress: AnswerProgress = { frames: 0, firstByteAtMs: null, lastByteAtMs: null };
    book.run(task, { at: 'running', nodeId, poolId, replicaId, startedMs, stop, lost, progress });
    task.pin.dispatched();
    const release = leases.take(poolId, replicaId, task.id);
    journal.started(task, poolId, replicaId);
    const request = generateRequestOf(task, { poolId, replicaId }, workerDeadlines(task, startedMs, limits));
    void dispatcher.run({ nodeId, poolId, request, output: task.output, progress, signal: stop.signal, lost: lost.signal }).then((outcome) => {
      release();
      if (progress.firstByteAtMs !== null) placer.works(replicaId);
      this.#settle(task, outcome);
      onOver();
    });
  }

  /** What runs on a node that is away, or that began anew, is lost there; a stream that still flows is left to its watch. [DESIGN 9] */
  giveUpOn(change: NodeChange): void {
    if (change.type !== 'offline' && change.type !== 'restarted') return;
    const flowsSinceMs = this.parts.clock.monotonicMs() - FLOWING_MS;
    for (const { state } of this.parts.book.all()) {
      if (state.at !== 'running' || state.nodeId !== change.nodeId) continue;
      const flows = change.type === 'offline' && state.progress.frames > 0 && (state.progress.lastByteAtMs ?? flowsSinceMs) > flowsSinceMs;
      if (!flows) state.lost.abort(new Error(change.reason));
    }
  }

  #settle(task: Task, outcome: DispatchOutcome): void {
    const { book, journal } = this.parts;
    const { state } = task;
    if (state.at !== 'running') return;
    switch (outcome.kind) {
      case 'completed':
        book.end(task, { kind: 'completed' });
        return journal.completed(task, state, outcome.usage);
      case 'told':
        task.pin.ended(true);
        book.end(task, { kind: 'completed' });
        return journal.failed(task, state, outcome.error);
      case 'aborted':
        return book.fail(task, new ApiError('WORKER_RESET', 'the answer was cut; send the request again'));
      case 'failed':
        return this.#retry(task, state, outcome);
    }
  }

  /** Places a task again that nobody has seen anything of, with the same request, a bounded number of times. [B-68] */
  #retry(task: Task, state: RunningState, { error, placeAgain, attempted }: Extract<DispatchOutcome, { kind: 'failed' }>): void {
    const { book, placer, journal, limits, isStopping, onPlacedAgain } = this.parts;
    const { nodeId, poolId, replicaId } = state;
    const before = task.tries;
    if (attempted) book.tried(task, { nodeId, poolId, replicaId, code: error.code });
    if (!placeAgain) return book.fail(task, afterTries(error, before));
    if (task.tries.length >= limits.attemptsMax || isStopping()) return book.fail(task, afterTries(error, task.tries));
    const heldMs = placer.hold(replicaId);
    journal.placedAgain(task, state, error);
    book.waitAgain(task, state);
    onPlacedAgain(heldMs);
  }
}
