import type { CatalogEntry, ModelFacts, RefScheme, Verification } from '@corral/catalog-core';
import { checkFile, isCatalogError } from '@corral/catalog-core/fs';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { messageOf } from '@corral/service-kit';
import type { Clock, Log } from '@corral/service-kit';
import type { Artifact } from './artifact.js';
import { asDiskFull, assertRoom, roomAsserter } from './disk-space.js';
import type { MakeRoom } from './disk-space.js';
import { fetchFile } from './fetch-file.js';
import type { ProvisionProgress } from './fetcher.js';
import type { FetchPolicy } from './fetch-policy.js';
import { answers, findPresent } from './find-present.js';
import { Flights } from './flights.js';
import type { FlightContext } from './flights.js';
import { readRequest } from './model-request.js';
import type { ModelRequest, WantedModel } from './model-request.js';
import { isProvisionError, ProvisionError } from './provision-error.js';
import { hubFetcher } from './hub/fetch-hub.js';
import { pypiFetcher } from './pypi/fetch-pypi.js';
import { SourceFolders } from './source-folders.js';
import { throttleProgress } from './throttle-progress.js';
import { trySources } from './try-sources.js';
import type { Fetchers } from './try-sources.js';
import { Bandwidth } from './web/bandwidth.js';
import { webFetcher } from './web/fetch-web.js';
import { WebClient } from './web/web-client.js';
import type { WebLimits } from './web/web-limits.js';

/** Reads the facts of a model file in a disposable process, since a bad file can take its reader down. */
export type Inspect = (path: string, signal: AbortSignal, digest: string) => Promise<ModelFacts>;

/** What a provisioner is made of. */
export interface ModelProvisionerOptions {
  readonly store: CatalogStore;
  readonly inspect: Inspect;
  /** Names the engine version behind `inspect`; facts read with another one are read again. */
  readonly factsKey: string;
  readonly policy: FetchPolicy;
  /** The environment that tools run in, the user's own; proxies and what concerns the hub are read from it. */
  readonly env: NodeJS.ProcessEnv;
  readonly web: WebLimits;
  /** Left out, what is free must do. */
  readonly makeRoom?: MakeRoom;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** A model that is on this node's disk, verified and understood. */
export interface ProvidedModel {
  readonly entry: CatalogEntry;
  /** What this call brought over a network or another medium; `null` when the model was there already or another call brought it. */
  readonly fetched: { readonly scheme: RefScheme; readonly bytes: number } | null;
}

const MAX_FLIGHTS = 64;

/**
 * Makes models present: finds them on the node or fetches them, verifies them, reads their facts, and only then
 * writes their catalog entries. Nobody else writes entries of fetched models. [D-20]
 */
export class ModelProvisioner {
  readonly #flights = new Flights<ProvidedModel, ProvisionProgress>(MAX_FLIGHTS);
  readonly #client: WebClient;
  readonly #fetchers: Fetchers;
  #isClosed = false;

  constructor(private readonly options: ModelProvisionerOptions) {
    const { env, clock, random, web: limits } = options;
    this.#client = new WebClient(env, limits, clock);
    const ports = { client: this.#client, bandwidth: new Bandwidth(limits.bandwidthBytesPerS, clock), limits, clock, random };
    this.#fetchers = { file: fetchFile, pypi: pypiFetcher(env, clock), web: webFetcher(ports), hub: hubFetcher(env, ports) };
  }

  /**
   * Resolves when the model is on disk, active, with facts of the present engine. Calls for the same digest or
   * reference share one fetch. Throws `ProvisionError`; CANCELED when the signal aborts, and then nothing that
   * only this call wanted is left behind. [D-21 D-24]
   */
  async ensurePresent(request: ModelRequest): Promise<ProvidedModel> {
    const wanted = readRequest(request);
    const { signal, onProgress } = request;
    const label = JSON.stringify([wanted.modelId, wanted.digest, wanted.refs]);
    const keys = [`model ${wanted.modelId}`, ...wanted.refs, ...(wanted.digest === null ? [] : [wanted.digest])];
    try {
      for (;;) {
        signal?.throwIfAborted();
        const ready = await this.#findReady(wanted);
        if (ready !== null) return { entry: ready, fetched: null };
        this.#assertOpen();
        const going = this.#flights.find(keys);
        if (going === null) return await this.#start(label, keys, wanted).join(signal, onProgress);
        // Whatever comes of a similar request, it may have brought what is wanted here.
        const end = await going.join(signal, onProgress).then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        );
        const isOurs = going.label === label && !going.isAbandoned;
        if (isOurs && 'value' in end) return { entry: end.value.entry, fetched: null };
        if (isOurs && 'error' in end) throw end.error;
      }
    } catch (error) {
      if (signal?.aborted === true)
        throw new ProvisionError('CANCELED', `providing model "${wanted.modelId}" was canceled; ask again if it is still wanted`, {
          cause: error,
        });
      throw error;
    }
  }

  /** Aborts everything that is going on, waits until it has ended and cleaned up, and refuses what comes after. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flights.close(new ProvisionError('CANCELED', 'the daemon is stopping; ask again when it is back'));
    this.#client.close();
  }

  #start(label: string, keys: readonly string[], wanted: WantedModel) {
    if (this.#flights.isFull)
      throw new ProvisionError('BUSY', `${MAX_FLIGHTS} models are being provided already; try again when some are done`);
    return this.#flights.start(label, keys, (context) => this.#provide(wanted, context));
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ProvisionError('CANCELED', 'the daemon is stopping; ask again when it is back');
  }

  /** The entry that needs no work at all, or `null`. */
  async #findReady(wanted: WantedModel): Promise<CatalogEntry | null> {
    const entry = this.options.store.get(wanted.modelId);
    if (entry?.lifecycle === 'Retired') throw retired(wanted.modelId);
    if (entry === null || !answers(entry, wanted)) return null;
    const isVerified = entry.verification.result === 'pass' || (entry.verification.result === 'warn' && wanted.digest === null);
    if (!isVerified || entry.factsKey !== this.options.factsKey) return null;
    return (await checkFile(entry)).kind === 'same' ? entry : null;
  }

  async #provide(wanted: WantedModel, flight: FlightContext<ProvisionProgress>): Promise<ProvidedModel> {
    const { store, clock, log, policy, makeRoom } = this.options;
    const folders = new SourceFolders(store);
    let failure: ProvisionError | null = null;
    const onProgress = throttleProgress(flight.onProgress, clock);
    const report = (progress: Omit<ProvisionProgress, 'source'>) => onProgress({ ...progress, source: null });
    const startedMs = clock.monotonicMs();
    try {
      report({ phase: 'locating', bytes: 0, totalBytes: null });
      const present = await findPresent(wanted, store, clock, { signal: flight.signal, onProgress: report });
      const artifact =
        present ??
        (await trySources(
          wanted,
          { fetchers: this.#fetchers, policy, root: store.dir, assertRoom: makeRoom === undefined ? assertRoom : roomAsserter(makeRoom), log },
          { signal: flight.signal, onProgress, folders },
        ));
      const entry = await this.#register(wanted, artifact, flight.signal, report);
      log.info('model present', {
        model_id: entry.id,
        digest: entry.digest,
        size_bytes: entry.sizeBytes,
        verification: entry.verification.result,
        source: artifact.refs[0] ?? null,
        duration_ms: Math.round(clock.monotonicMs() - startedMs),
      });
      return { entry, fetched: artifact.fetched };
    } catch (error) {
      failure = await this.#asProvisionError(wanted, error);
      throw failure;
    } finally {
      await folders.end(failure?.code ?? null);
      if (failure === null) for (const ref of wanted.refs) await store.removeResumableFolder(ref);
    }
  }

  async #register(
    wanted: WantedModel,
    artifact: Artifact,
    signal: AbortSignal,
    report: (progress: Omit<ProvisionProgress, 'source'>) => void,
  ): Promise<CatalogEntry> {
    const { store, clock, factsKey } = this.options;
    report({ phase: 'inspecting', bytes: 0, totalBytes: null });
    const facts = await this.#factsOf(wanted, artifact, signal);
    signal.throwIfAborted();
    const localPath = artifact.isPartial ? await store.publish(artifact.path, artifact.digest) : artifact.path;
    const before = store.get(wanted.modelId);
    if (before?.lifecycle === 'Retired') throw retired(wanted.modelId);
    const nowMs = clock.nowMs();
    return store.put({
      id: wanted.modelId,
      // Without a digest nothing says that the other sources lead to the same bytes.
      refs: wanted.digest === null ? artifact.refs : [...new Set([...artifact.refs, ...wanted.refs])],
      digest: artifact.digest,
      localPath,
      external: artifact.external,
      sizeBytes: artifact.sizeBytes,
      modifiedMs: artifact.modifiedMs,
      lifecycle: 'Active',
      verification: verificationOf(wanted),
      digestGiven: wanted.digest !== null,
      lastVerifiedMs: nowMs,
      createdMs: before?.createdMs ?? nowMs,
      lastUsedMs: before?.lastUsedMs ?? null,
      retiredAtMs: null,
      pinned: before?.pinned ?? false,
      tags: before?.tags ?? [],
      facts,
      factsKey,
    });
  }

  /** Facts belong to a digest: another entry of the same bytes may have them. */
  async #factsOf(wanted: WantedModel, artifact: Artifact, signal: AbortSignal): Promise<ModelFacts> {
    const { store, inspect, factsKey } = this.options;
    const known = store.list().find((entry) => entry.digest === artifact.digest && entry.factsKey === factsKey && entry.facts !== null);
    if (known?.facts) return known.facts;
    try {
      return await inspect(artifact.path, signal, artifact.digest);
    } catch (error) {
      signal.throwIfAborted();
      // The bytes are the wanted ones: the next attempt, perhaps with another engine, need not fetch them again.
      if (artifact.isPartial && wanted.digest !== null) await store.publish(artifact.path, artifact.digest);
      const file = artifact.isPartial ? `the file of ${artifact.refs[0] ?? wanted.modelId}` : artifact.path;
      throw new ProvisionError(
        'INSPECT_FAILED',
        `${file} cannot be read by the engine: ${messageOf(error)}; check that it is a whole GGUF file of an architecture that the engine knows`,
        { cause: error },
      );
    }
  }

  async #asProvisionError(wanted: WantedModel, error: unknown): Promise<ProvisionError> {
    if (isProvisionError(error)) return error;
    const cause = isCatalogError(error) ? (error.cause ?? error) : error;
    const full = await asDiskFull(cause, this.options.store.dir, null);
    return (
      full ??
      new ProvisionError('CATALOG_FAILED', `model "${wanted.modelId}" could not be catalogued: ${messageOf(error)}`, { cause: error })
    );
  }
}

function verificationOf(wanted: WantedModel): Verification {
  if (wanted.digest !== null) return { result: 'pass', reason: 'the file has the expected digest' };
  return { result: 'warn', reason: 'no digest was given to compare with; add the measured one to the model to pin it' };
}

function retired(modelId: string): ProvisionError {
  return new ProvisionError(
    'RETIRED',
    `model "${modelId}" is retired on this node; activate it with "corral models activate ${modelId}", or use another model`,
  );
}
