import { ApiError, toEnvelope, type Frame, type MetricsFrame, type StartedFrame, type TaskAccepted } from '@corral/contracts';
import type { Clock, RelaySink } from '@corral/service-kit';
import { FrameBoundary } from './frame-boundary.js';
import { FrameLog, type Attachment, type FrameReader } from './frame-log.js';
import type { Ending, TaskOutput } from './task-output.js';

export interface TaskLogLimits {
  /** How long a finished task's frames can be read again. */
  readonly retentionMs: number;
  /** Finished tasks that are kept; the oldest go first. */
  readonly finishedMax: number;
  /** Bytes of finished tasks that are kept, all together. */
  readonly finishedMaxBytes: number;
  /** Bytes of one task. */
  readonly taskMaxBytes: number;
  readonly cancelOnDisconnect: boolean;
}

interface Kept {
  readonly log: FrameLog;
  readonly orgId: string;
  readonly output: LoggedOutput;
  endedMs: number | null;
  accepted: TaskAccepted | null;
}

/**
 * The streams of `/v2/tasks`: each fills from the moment its task is admitted, whether or not anyone
 * listens, and stays readable for a while after its end. [B-70]
 */
export class TaskLogs {
  readonly #kept = new Map<string, Kept>();
  #finished: string[] = [];

  constructor(
    private readonly limits: TaskLogLimits,
    private readonly clock: Clock,
  ) {}

  /** Opens the stream of a task. Throws CONFLICT where the id is known. */
  open(taskId: string, orgId: string): TaskOutput {
    this.#forgetOld();
    if (this.#kept.has(taskId)) throw new ApiError('CONFLICT', `task ${taskId} exists; choose another task_id, or read its events`, { field: 'task_id' });
    const log = new FrameLog(this.limits.taskMaxBytes);
    const output = new LoggedOutput(log, () => this.#onEnd(taskId));
    this.#kept.set(taskId, { log, orgId, output, endedMs: null, accepted: null });
    return output;
  }

  /** Forgets a task that was refused at admission. */
  discard(taskId: string): void {
    this.#kept.delete(taskId);
  }

  /** Keeps the 202, so that the same id answers the same again. [B-57] */
  accept(taskId: string, accepted: TaskAccepted): void {
    const kept = this.#kept.get(taskId);
    if (kept !== undefined) kept.accepted = accepted;
  }

  accepted(taskId: string, orgId: string): TaskAccepted | null {
    this.#forgetOld();
    const kept = this.#kept.get(taskId);
    return kept?.orgId === orgId ? kept.accepted : null;
  }

  has(taskId: string, orgId: string): boolean {
    this.#forgetOld();
    return this.#kept.get(taskId)?.orgId === orgId;
  }

  /** Attaches a reader; when the last one leaves before the end, that counts as cancel. [B-66] */
  attach(taskId: string, orgId: string, reader: FrameReader, verbose: boolean): Attachment {
    const kept = this.#kept.get(taskId);
    if (kept === undefined || kept.orgId !== orgId) throw unknownTask(taskId);
    const attached = kept.log.attach(reader, verbose);
    return {
      resume: () => attached.resume(),
      detach: () => {
        attached.detach();
        if (this.limits.cancelOnDisconnect && kept.log.readers === 0 && !kept.log.ended) kept.output.abandon();
      },
    };
  }

  #onEnd(taskId: string): void {
    const kept = this.#kept.get(taskId);
    if (kept === undefined) return;
    kept.endedMs = this.clock.monotonicMs();
    this.#finished.push(taskId);
    this.#forgetOld();
  }

  #forgetOld(): void {
    const nowMs = this.clock.monotonicMs();
    let bytes = this.#finished.reduce((sum, id) => sum + (this.#kept.get(id)?.log.sizeBytes ?? 0), 0);
    for (let id = this.#finished[0]; id !== undefined; id = this.#finished[0]) {
      const kept = this.#kept.get(id);
      const expired = kept === undefined || nowMs - (kept.endedMs ?? nowMs) > this.limits.retentionMs;
      if (!expired && this.#finished.length <= this.limits.finishedMax && bytes <= this.limits.finishedMaxBytes) return;
      bytes -= kept?.log.sizeBytes ?? 0;
      this.#kept.delete(id);
      this.#finished.shift();
    }
  }
}

export function unknownTask(taskId: string): ApiError {
  return new ApiError('NOT_FOUND', `no task ${taskId} is known; its events are kept for a while after its end`, { field: 'task_id' });
}

/** The answer of a `/v2` task: frames of the control plane and bytes of the worker, in one log. */
class LoggedOutput implements TaskOutput {
  readonly #abandoned = new AbortController();
  #ended = false;

  constructor(
    private readonly log: FrameLog,
    private readonly onEnd: () => void,
  ) {}

  get abandoned(): AbortSignal {
    return this.#abandoned.signal;
  }

  abandon(): void {
    this.#abandoned.abort();
  }

  started(frame: StartedFrame): void {
    this.log.frame({ type: 'started', ...frame });
  }

  metrics(frame: MetricsFrame): void {
    this.log.frame({ type: 'metrics', ...frame });
  }

  /** The log takes everything at once: it is bounded, and its readers have their own pace. */
  open(): RelaySink {
    const boundary = new FrameBoundary();
    return {
      write: (bytes) => {
        const whole = boundary.push(bytes);
        if (whole.byteLength > 0 && !this.#ended && !this.log.append(whole)) this.abandon();
        return true;
      },
      onDrain: (resume) => resume(),
      end: () => undefined,
    };
  }

  end(ending: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    this.log.end(terminalOf(ending));
    this.onEnd();
  }
}

/** The control plane's own last frame; `null` where the worker wrote one. */
export function terminalOf(ending: Ending): Frame | null {
  switch (ending.kind) {
    case 'completed':
      return null;
    case 'canceled':
      return { type: 'end', tokens_out: ending.tokensOut, decode_time_ms: ending.decodeTimeMs, decode_ms: ending.decodeTimeMs, finish_reason: 'canceled', canceled: true };
    case 'failed':
      return { type: 'error', ...toEnvelope(ending.error) };
  }
}
