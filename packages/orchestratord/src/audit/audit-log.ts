import type { Clock, Log } from '@corral/service-kit';
import { ApiError } from '@corral/contracts';
import { insertAudit, listAudit, pruneAudit, type AuditQuery, type StoredAudit } from '../store/audit-rows.js';
import type { Store } from '../store/open-store.js';
import type { Audit, AuditRecord } from './audit.js';

export interface AuditLogOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly retentionMs: number;
}

interface Waiting {
  readonly entry: AuditRecord & { readonly atMs: number };
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Entries of one commit, and of all that wait for one. */
const BATCH = 200;
const WAITING_MAX = 10_000;
const ROWS_MAX = 1_000_000;
const PRUNE_EVERY_MS = 3_600_000;

/** The one writer of the audit. Records that come at once share a commit. [B-114] */
export class AuditLog implements Audit {
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  readonly #stopped = new AbortController();
  #pruning: Promise<void> | null = null;

  constructor(private readonly options: AuditLogOptions) {}

  start(): void {
    this.#pruning ??= this.#prune();
  }

  /** Resolves when the record is durable; rejects when the store cannot take it, or when too many wait. */
  record(entry: AuditRecord): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new ApiError('SHUTTING_DOWN', 'the store is too slow for what is asked of it; try again in a moment', { retry_after_ms: 2_000 }));
    this.options.log.info('audited', { action: entry.action, source: entry.source, identity: entry.actor, org_id: entry.orgId, instance_id: entry.instanceId, outcome: entry.outcome, correlation_id: entry.correlationId });
    const written = new Promise<void>((done, failed) => this.#waiting.push({ entry: { ...entry, atMs: this.options.clock.nowMs() }, done, failed }));
    this.#writing ??= this.#write();
    return written;
  }

  /** The newest first. */
  list(query: AuditQuery): Promise<readonly StoredAudit[]> {
    return listAudit(this.options.store.db, query);
  }

  /** Ends after the records that wait. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the audit is closed'));
    await Promise.all([this.#writing, this.#pruning]);
  }

  async #write(): Promise<void> {
    // Whatever else came in this turn shares the commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await insertAudit(this.options.store.db, batch.map(({ entry }) => entry));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    // At once with the last look at what waits: a record that comes later starts another round.
    this.#writing = null;
  }

  async #prune(): Promise<void> {
    const { store, clock, log, retentionMs } = this.options;
    while (!this.#stopped.signal.aborted) {
      await pruneAudit(store.db, clock.nowMs() - retentionMs, ROWS_MAX).then(
        (removed) => removed > 0 && log.info('audit pruned', { removed }),
        (error: unknown) => log.error('audit not pruned', { error }),
      );
      await clock.sleep(PRUNE_EVERY_MS, this.#stopped.signal).catch(() => undefined);
    }
  }
}
