import { ApiError, isApiError, toEnvelope, type Operation } from '@corral/contracts';
import type { Clock } from './clock.js';
import { newId } from './id.js';
import type { Log } from './log/log.js';

/** How far an operation is. `fraction`: share of this phase, `null` where it cannot be known. */
export interface OperationProgress {
  readonly phase: string;
  readonly fraction: number | null;
  readonly detail?: string;
  /** What has come of it so far: shown until it succeeds with another result, and kept where it fails. */
  readonly result?: unknown;
}

export type OperationStep = (progress: OperationProgress) => void;

/** What is done. Its result is shown as it is; what it throws ends the operation as failed. It must end soon after the signal aborts. */
export type OperationWork = (step: OperationStep, signal: AbortSignal, operationId: string) => Promise<unknown>;

export interface OperationsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Operations that may run at once; one more is refused. */
  readonly runningMax?: number;
  /** Ended ones that are kept, newest first. */
  readonly endedMax?: number;
  readonly endedMaxAgeMs?: number;
}

interface Entry {
  operation: Operation;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  readonly resolve: () => void;
  endedMs: number | null;
}

const HOUR_MS = 3_600_000;

/** What goes on after its call was answered. In memory and bounded: operations do not survive a restart of their daemon. [B-104] */
export class Operations {
  readonly #entries = new Map<string, Entry>();
  #closed: ApiError | null = null;

  constructor(private readonly options: OperationsOptions) {}

  /** Begins the work and returns at once. Throws RATE_LIMITED when too many run, SHUTTING_DOWN after {@link close}. */
  start(what: { readonly kind: string; readonly subject: Readonly<Record<string, string>> }, work: OperationWork): Operation {
    this.#prune();
    if (this.#closed !== null) throw this.#closed;
    const { clock, log, runningMax = 256 } = this.options;
    const running = [...this.#entries.values()].filter(({ operation }) => operation.state === 'running').length;
    if (running >= runningMax) throw new ApiError('RATE_LIMITED', `${running} operations run already; try again when some have ended`, { retry_after_ms: 5_000 });
    const entry = newEntry({ ...what, clock });
    const id = entry.operation.operation_id;
    this.#entries.set(id, entry);
    log.info('operation begun', { operation_id: id, kind: what.kind, ...what.subject });
    void this.#run(entry, work);
    return entry.operation;
  }

  get(operationId: string): Operation | undefined {
    this.#prune();
    return this.#entries.get(operationId)?.operation;
  }

  /** Newest first. */
  list(): readonly Operation[] {
    this.#prune();
    return [...this.#entries.values()].map(({ operation }) => operation).toReversed();
  }

  /** Resolves with the operation once it has ended, `undefined` where it is not known. Rejects with the signal's reason. */
  async ended(operationId: string, signal?: AbortSignal): Promise<Operation | undefined> {
    const entry = this.#entries.get(operationId);
    if (entry === undefined) return undefined;
    signal?.throwIfAborted();
    const given = new AbortController();
    const aborted = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: given.signal }));
    await Promise.race([entry.ended, aborted]).finally(() => given.abort());
    return entry.operation;
  }

  /** Fails what runs, with the reason, and refuses what comes. What was begun hears of it by its signal. */
  close(reason = 'the daemon stops'): void {
    if (this.#closed !== null) return;
    const error = new ApiError('SHUTTING_DOWN', `${reason}, so the operation was not ended; look at what it was to change once the daemon is back, and ask again`);
    this.#closed = error;
    for (const entry of this.#entries.values()) {
      if (entry.operation.state !== 'running') continue;
      this.#end(entry, { state: 'failed', error: toEnvelope(error) });
      entry.controller.abort(error);
    }
  }

  async #run(entry: Entry, work: OperationWork): Promise<void> {
    const { log } = this.options;
    const step: OperationStep = ({ phase, fraction, detail, result }) => {
      if (entry.operation.state === 'running') entry.operation = { ...entry.operation, phase, progress: fraction === null ? null : Math.min(1, Math.max(0, fraction)), detail: detail ?? null, ...(result === undefined ? {} : { result }) };
    };
    try {
      const result = await work(step, entry.controller.signal, entry.operation.operation_id);
      this.#end(entry, { state: 'succeeded', result: result ?? null, progress: 1 });
    } catch (error) {
      if (!isApiError(error)) log.error('operation failed', { operation_id: entry.operation.operation_id, kind: entry.operation.kind, error });
      this.#end(entry, { state: 'failed', error: toEnvelope(error) });
    }
  }

  #end(entry: Entry, outcome: Partial<Operation>): void {
    if (entry.operation.state !== 'running') return;
    const { clock, log } = this.options;
    entry.operation = { ...entry.operation, ...outcome, ended_at: new Date(clock.nowMs()).toISOString() };
    entry.endedMs = clock.monotonicMs();
    const { operation_id, kind, subject, state, error } = entry.operation;
    log.info('operation ended', { operation_id, kind, ...subject, outcome: state, ...(error === null ? {} : { reason: error.message }) });
    entry.resolve();
  }

  #prune(): void {
    const { clock, endedMax = 1_000, endedMaxAgeMs = 24 * HOUR_MS } = this.options;
    const ended = [...this.#entries].filter(([, { endedMs }]) => endedMs !== null);
    const excess = ended.length - endedMax;
    for (const [n, [id, { endedMs }]] of ended.entries()) {
      if (n < excess || clock.monotonicMs() - (endedMs ?? 0) > endedMaxAgeMs) this.#entries.delete(id);
    }
  }
}

function newEntry({ kind, subject, clock }: { readonly kind: string; readonly subject: Readonly<Record<string, string>>; readonly clock: Clock }): Entry {
  let resolve: () => void = () => {};
  const ended = new Promise<void>((done) => (resolve = done));
  const operation: Operation = {
    operation_id: newId('op'),
    kind,
    subject: { ...subject },
    state: 'running',
    phase: 'starting',
    progress: null,
    detail: null,
    result: null,
    error: null,
    created_at: new Date(clock.nowMs()).toISOString(),
    ended_at: null,
  };
  return { operation, controller: new AbortController(), ended, resolve, endedMs: null };
}
