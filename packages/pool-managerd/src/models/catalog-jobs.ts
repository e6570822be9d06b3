import type { CatalogEntry } from '@corral/catalog-core';
import { isCatalogError } from '@corral/catalog-core/fs';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { ApiError, isApiError } from '@corral/contracts';
import type { ModelSpec, NodePulled, NodeVerified, Operation } from '@corral/contracts';
import { isProvisionError, verifyEntry } from '@corral/provisioners';
import type { ProvisionCode } from '@corral/provisioners';
import { formatBytes } from '@corral/service-kit';
import type { Clock, Log, Operations, OperationStep } from '@corral/service-kit';
import type { ModelWork } from './in-use.js';
import type { EnsureModel, ModelPresence } from './model-presence.js';
import type { ModelWorkBook } from './model-work-book.js';
import type { PresenceProgress } from './present-model.js';
import { Turns } from './turns.js';

export interface CatalogJobsOptions {
  readonly operations: Operations;
  readonly store: CatalogStore;
  readonly ensure: EnsureModel;
  /** Before that, nothing can be asked of a file. */
  areDevicesKnown(): boolean;
  readonly presence: Pick<ModelPresence, 'recheckFile'>;
  /** What goes on is in use: nobody takes its files away. */
  readonly book: Pick<ModelWorkBook, 'begin'>;
  /** Pulls that run at once, and verifications. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
}

const DEVICES_MS = 60_000;
const DEVICES_POLL_MS = 50;

/** Pulls and verifications that somebody asked for by hand, each an operation. The same one twice is one. [B-92 D-24] */
export class CatalogJobs {
  readonly #running = new Map<string, Operation>();
  readonly #pulls: Turns;
  readonly #verifications: Turns;

  constructor(private readonly options: CatalogJobsOptions) {
    this.#pulls = new Turns(options.concurrency);
    this.#verifications = new Turns(options.concurrency);
  }

  /** Brings a model to this node, with a load of the same model or file as one fetch. */
  pull(spec: ModelSpec): Operation {
    const { model_id: modelId, sources, digest } = spec;
    const key = JSON.stringify(['pull', modelId, digest, sources]);
    const work: ModelWork = { kind: 'fetching', modelId, digest, by: 'a pull' };
    return this.#start(key, { kind: 'model_pull', work }, async (step, signal) =>
      this.#pulls.run(async () => {
        await this.#devices(step, signal);
        const { digest: brought } = await this.options.ensure({ modelId, sources, digest }, { signal, onProgress: (progress) => step(stepOf(progress)) });
        const entry = this.options.store.get(modelId);
        if (entry === null) throw new ApiError('MODEL_NOT_AVAILABLE', `model ${modelId} came and was removed again (${brought}); ask for it again if it is still wanted`);
        const kept = spec.pinned && !entry.pinned ? await this.options.store.update(modelId, (before) => ({ ...before, pinned: true })) : entry;
        return pulled(kept);
      }, signal),
    );
  }

  /** Reads the whole file of an entry again. */
  verify(entry: CatalogEntry): Operation {
    const { id: modelId, digest, sizeBytes } = entry;
    const work: ModelWork = { kind: 'verifying', modelId, digest, by: 'a verification' };
    return this.#start(JSON.stringify(['verify', modelId]), { kind: 'model_verify', work }, (step, signal) =>
      this.#verifications.run(async (): Promise<NodeVerified> => {
        const { store, clock, log, presence } = this.options;
        const now = store.get(modelId) ?? entry;
        const onProgress = ({ bytes }: { readonly bytes: number }): void => step(stepOf({ phase: 'verifying', bytes, totalBytes: sizeBytes }));
        const { verification, digest: found, lastVerifiedMs } = await verifyEntry(now, store, clock, { signal, onProgress });
        // A load that comes from now on looks at the file before it uses it.
        if (verification.result === 'fail') presence.recheckFile(now.digest);
        const fields = { model_id: modelId, digest: now.digest, outcome: verification.result, reason: verification.reason };
        if (verification.result === 'fail') log.warn('model verified', fields);
        else log.info('model verified', fields);
        return { model_id: modelId, ...verification, digest: found as NodeVerified['digest'], last_verified_ms: lastVerifiedMs };
      }, signal),
    );
  }

  /** Just after a start, devices are still looked for. */
  async #devices(step: OperationStep, signal: AbortSignal): Promise<void> {
    const { areDevicesKnown, clock } = this.options;
    const untilMs = clock.monotonicMs() + DEVICES_MS;
    while (!areDevicesKnown()) {
      if (clock.monotonicMs() > untilMs) throw new ApiError('POOL_UNREADY', `the devices of this node are not known after ${DEVICES_MS / 1_000} s; GET /v2/pools says what was looked for, then pull again`);
      step({ phase: 'looking_for_devices', fraction: null });
      await clock.sleep(DEVICES_POLL_MS, signal);
    }
  }

  #start(key: string, { kind, work }: { readonly kind: string; readonly work: ModelWork }, run: (step: OperationStep, signal: AbortSignal) => Promise<unknown>): Operation {
    const { operations, book } = this.options;
    const running = this.#running.get(key);
    if (running !== undefined) return operations.get(running.operation_id) ?? running;
    let end = (): void => undefined;
    const operation = operations.start({ kind, subject: { model_id: work.modelId } }, async (step, signal) => {
      try {
        step({ phase: 'waiting', fraction: null });
        return await run(step, signal);
      } catch (error) {
        throw asApiError(error);
      } finally {
        this.#running.delete(key);
        end();
      }
    });
    this.#running.set(key, operation);
    end = book.begin(work);
    return operation;
  }
}

function stepOf({ phase, bytes, totalBytes }: PresenceProgress): Parameters<OperationStep>[0] {
  const fraction = totalBytes === null || totalBytes === 0 ? null : Math.min(1, bytes / totalBytes);
  if (bytes === 0) return { phase, fraction };
  return { phase, fraction, detail: totalBytes === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(totalBytes)}` };
}

function pulled({ id, digest, sizeBytes, verification }: CatalogEntry): NodePulled {
  return { model_id: id, digest, size_bytes: sizeBytes, verification };
}

const CODES: Partial<Record<ProvisionCode, 'INVALID_PARAMS' | 'MODEL_DEPRECATED' | 'SHUTTING_DOWN'>> = { INVALID_REQUEST: 'INVALID_PARAMS', RETIRED: 'MODEL_DEPRECATED', CANCELED: 'SHUTTING_DOWN' };

function asApiError(error: unknown): unknown {
  if (isApiError(error)) return error;
  if (isProvisionError(error)) return new ApiError(CODES[error.code] ?? 'MODEL_NOT_AVAILABLE', error.message, {}, { cause: error });
  if (isCatalogError(error)) return new ApiError('MODEL_NOT_AVAILABLE', error.message, {}, { cause: error });
  return error;
}
