import { ApiError, isApiError } from '@corral/contracts';
import type { EngineAdd, EngineBundle, EngineChange, EnginePatch, Operation } from '@corral/contracts';
import { engineIdProblem } from '@corral/catalog-core';
import type { EngineEntry } from '@corral/catalog-core';
import type { EngineStore } from '@corral/catalog-core/fs';
import { isProvisionError } from '@corral/provisioners';
import type { EngineProvisioner } from '@corral/provisioners';
import { messageOf, nearest, SerialQueue } from '@corral/service-kit';
import type { Clock, Log, Operations, OperationStep } from '@corral/service-kit';
import type { EngineChoices } from './engine-choices.js';
import { usesOfEngine } from './engine-uses.js';
import type { EngineUseSources } from './engine-uses.js';
import { engineView } from './engine-view.js';
import type { BundleTrial } from './bundle-trial.js';
import { isExternal } from '../external/attached-pool.js';
import type { ExternalEngines } from '../external/external-engines.js';
import type { ExternalProvision } from '../external/external-provision.js';

export interface EnginesOptions {
  readonly nodeId: string;
  readonly store: EngineStore;
  readonly provisioner: EngineProvisioner;
  readonly choices: EngineChoices;
  readonly trial: BundleTrial;
  readonly uses: EngineUseSources;
  readonly external: ExternalEngines;
  readonly servers: ExternalProvision;
  readonly operations: Operations;
  readonly clock: Clock;
  readonly log: Log;
  publish(type: 'catalog.engine_used' | 'catalog.engine_rejected', change: EngineChange): void;
}

/** What was done with a bundle. */
export interface EngineOutcome {
  readonly engine: EngineBundle;
  readonly changes: readonly EngineChange[];
}

/** Adds and changes of bundles that may wait; they are done one at a time, since they want the same cores. */
const WAITING_MAX = 16;

/** The engine bundles of this node: which there are, which serve, and who may delete one. [D-11 D-74 D-75] */
export class Engines {
  readonly #queue = new SerialQueue(WAITING_MAX);
  #registered: Promise<void> = Promise.resolve();

  constructor(private readonly options: EnginesOptions) {}

  /** Registers what came with the program, in the background: digests of it take a moment at the first start. */
  registerBuiltIn(): void {
    const { provisioner, log } = this.options;
    this.#registered = provisioner.registerBuiltIn().catch((error: unknown) => log.warn('engines that came with the program are not registered', { last_error: messageOf(error) }));
  }

  async list(): Promise<readonly EngineBundle[]> {
    await this.#registered;
    return this.options.store.list().map((entry) => this.#view(entry));
  }

  async get(id: string): Promise<EngineBundle> {
    await this.#registered;
    return this.#view(this.#known(id));
  }

  /** Begins to bring a bundle here and, unless told otherwise, to take it up. */
  add(request: EngineAdd): Operation {
    const { mode, path, engine_id: id, jobs = 1, use = true } = request;
    const { provisioner, store } = this.options;
    if (id !== undefined && engineIdProblem(id) !== null) throw new ApiError('INVALID_PARAMS', engineIdProblem(id) ?? '', { field: 'engine_id' });
    if (id !== undefined && store.get(id) !== null) throw new ApiError('CONFLICT', `there is an engine ${id} already; choose another id, or remove that one with "corral engines rm ${id}"`);
    if (mode === 'external') return this.#attach(request);
    for (const field of ['url', 'model_id', 'digest', 'device_kind'] as const) if (request[field] !== undefined) throw new ApiError('INVALID_PARAMS', `${field} is for mode external alone; leave it out`, { field });
    if (mode === 'package' && path === undefined) throw new ApiError('INVALID_PARAMS', 'mode package needs the path of an unpacked prebuilt package or of its tarball on the node', { field: 'path' });
    return this.#begin('engine_add', id ?? mode, async (step, signal) => {
      const entry = mode === 'source' ? await provisioner.addSource(jobs, { id, step, signal }) : await provisioner.addPackage(path ?? '', { id, step, signal });
      this.options.log.info('engine added', { engine_id: entry.id, mode: entry.mode, device_kinds: entry.deviceKinds.join(' '), digest: entry.digest });
      if (mode === 'source') await this.options.trial.measure(entry, step, signal);
      return await this.#used(entry.id, { use, step, signal });
    });
  }

  /** Begins to take up a bundle that is here. */
  use(id: string): Operation {
    const { mode, version, state, verification } = this.#known(id);
    if (mode === 'external') throw new ApiError('CONFLICT', `engine ${id} is a server with a pool of its own, which serves while it answers; there is nothing to take up`);
    if (state === 'Retired') throw new ApiError('CONFLICT', `engine ${id} is retired; activate it first`);
    if (verification.result === 'fail') throw new ApiError('CONFLICT', `engine ${id} cannot be used: ${verification.reason}`);
    const { trial } = this.options;
    if (version !== trial.version) throw new ApiError('CONFLICT', `engine ${id} is of version ${version} and this program runs ${trial.version} alone; add a bundle of that version`);
    return this.#begin('engine_use', id, (step, signal) => this.#used(id, { use: true, step, signal }));
  }

  /** Begins to recompute the digests of a bundle's files. */
  verify(id: string): Operation {
    const known = this.#known(id);
    return this.#begin('engine_verify', id, async (step, signal) => {
      const { verification } = isExternal(known) ? await this.options.servers.verify(known, { step, signal }) : await this.options.provisioner.verify(id, { step, signal });
      this.options.external.follow();
      const log = verification.result === 'fail' ? this.options.log.warn : this.options.log.info;
      log.call(this.options.log, 'engine verified', { engine_id: id, outcome: verification.result, reason: verification.reason });
      return await this.get(id);
    });
  }

  /** Keeps from garbage collection, or lets go; retires, or takes back. */
  async change(id: string, { state, pinned }: EnginePatch): Promise<EngineBundle> {
    const { store, clock, uses } = this.options;
    const entry = this.#known(id);
    const usedBy = usesOfEngine(entry, uses);
    if (state === 'Retired' && entry.state === 'Active' && usedBy.length > 0) throw inUse(entry, usedBy);
    const changed = await store.update(id, (before) => ({
      ...before,
      pinned: pinned ?? before.pinned,
      ...(state !== undefined && state !== before.state && { state, retiredAtMs: state === 'Retired' ? clock.nowMs() : null }),
    }));
    this.options.external.follow();
    return this.#view(changed);
  }

  /** Deletes a bundle that nobody uses: its entry, then its files. [D-75] */
  async remove(id: string): Promise<void> {
    const { store, uses, log } = this.options;
    await this.#registered;
    const entry = this.#known(id);
    const usedBy = usesOfEngine(entry, uses);
    if (usedBy.length > 0) throw inUse(entry, usedBy);
    if (entry.inPlace) throw new ApiError('CONFLICT', `engine ${id} came with the program and goes with it; leave it, or uninstall its package`);
    const { freedBytes, fileError } = await store.delete(id);
    this.options.external.follow();
    log.info('engine removed', { engine_id: id, freed_bytes: freedBytes, ...(fileError !== null && { last_error: fileError }) });
    if (fileError !== null) throw new ApiError('INTERNAL', `engine ${id} is gone from the catalog, but its files are not: ${fileError}; the next start removes them`);
  }

  /** Who needs a bundle, in words; empty when nobody does. [D-75] */
  usedBy(entry: EngineEntry): readonly string[] {
    return usesOfEngine(entry, this.options.uses);
  }

  /** Ends what goes on; nothing of it is left when it resolves. */
  async close(): Promise<void> {
    await this.#registered;
    await this.#queue.idle();
  }

  /** Begins to probe a server; its pool is there once it has passed. [D-80] */
  #attach(request: EngineAdd): Operation {
    const { servers, external, log } = this.options;
    const url = servers.check(request);
    return this.#begin('engine_add', request.engine_id ?? 'external', async (step, signal): Promise<EngineOutcome> => {
      const entry = await servers.add(url, request, { step, signal });
      log.info('engine added', { engine_id: entry.id, mode: entry.mode, device_kinds: entry.deviceKinds.join(' '), digest: entry.external.digest });
      external.follow();
      return { engine: this.#view(entry), changes: [] };
    });
  }

  /** Probes a bundle, and takes it up for the kinds of devices that this node has pools of. */
  async #used(id: string, { use, step, signal }: { readonly use: boolean; readonly step: OperationStep; readonly signal: AbortSignal }): Promise<EngineOutcome> {
    const { trial, choices, nodeId, publish } = this.options;
    const changes: EngineChange[] = [];
    for (const kind of this.#known(id).deviceKinds) {
      const previous = choices.forReplicas(kind);
      const change = (swapped: number, reason: string | null): EngineChange => ({ node_id: nodeId, engine_id: id, device_kind: kind, previous, reason, swapped });
      try {
        const swapped = await trial.run(this.#known(id), kind, { use, step, signal });
        if (swapped === null) continue;
        changes.push(change(swapped, null));
        publish('catalog.engine_used', change(swapped, null));
      } catch (error) {
        signal.throwIfAborted();
        publish('catalog.engine_rejected', change(0, messageOf(error)));
        throw new ApiError('ENGINE_UNUSABLE', `engine ${id} was not taken up for ${kind}: ${messageOf(error)}; ${previous ?? 'what served before'} serves on, see "corral engines ls"`, {}, { cause: error });
      }
    }
    return { engine: this.#view(this.#known(id)), changes };
  }

  #begin(kind: string, id: string, work: (step: OperationStep, signal: AbortSignal) => Promise<unknown>): Operation {
    if (this.#queue.size >= WAITING_MAX) throw new ApiError('RATE_LIMITED', `${WAITING_MAX} changes of engines wait already; try again when some are done`, { retry_after_ms: 5_000 });
    return this.options.operations.start({ kind, subject: { engine_id: id } }, (step, signal) => {
      step({ phase: 'waiting', fraction: null });
      return this.#queue.run(async () => {
        signal.throwIfAborted();
        await this.#registered;
        return await work(step, signal);
      }).catch((error: unknown) => {
        throw asApiError(error);
      });
    });
  }

  #known(id: string): EngineEntry {
    const { store } = this.options;
    const entry = store.get(id);
    if (entry !== null) return entry;
    const near = nearest(id, store.list().map((other) => other.id));
    throw new ApiError('NOT_FOUND', `engine ${id.slice(0, 128)} not found on this node`, { hint: near.length > 0 ? `near it: ${near.join(', ')}` : 'GET /v2/engines lists what there is' });
  }

  #view(entry: EngineEntry): EngineBundle {
    return engineView(entry, this.options.nodeId, usesOfEngine(entry, this.options.uses));
  }
}

function inUse({ id, mode }: EngineEntry, usedBy: readonly string[]): ApiError {
  return new ApiError('ENGINE_IN_USE', `engine ${id} is in use (${usedBy.slice(0, 4).join('; ')}${usedBy.length > 4 ? `; and ${usedBy.length - 4} more` : ''}); ${mode === 'external' ? 'drain that pool first, with "corral drain"' : 'use another one first, with "corral engines use"'}`);
}

/** What a caller did wrong keeps its code, everything else is said of the bundle. */
function asApiError(error: unknown): unknown {
  if (isApiError(error) || !isProvisionError(error)) return error;
  const isRequest = error.code === 'INVALID_REQUEST' || error.code === 'NOT_FOUND';
  return new ApiError(isRequest ? 'INVALID_PARAMS' : 'ENGINE_UNUSABLE', error.message, {}, { cause: error });
}

