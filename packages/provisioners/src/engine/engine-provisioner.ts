import { mkdir, rm, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { EngineEntry, EngineMode, Verification } from '@corral/catalog-core';
import { engineIdProblem } from '@corral/catalog-core';
import { isCatalogError } from '@corral/catalog-core/fs';
import type { EngineStore } from '@corral/catalog-core/fs';
import { messageOf } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import { ProvisionError } from '../model/provision-error.js';
import { buildBundle } from './build-bundle.js';
import { builtInId, isStillSo } from './built-in-bundles.js';
import type { BuiltIn } from './built-in-bundles.js';
import { copyBundleFiles, readBundleFiles } from './bundle-files.js';
import type { EngineTarget } from './engine-target.js';
import { findPrebuilt } from './find-prebuilt.js';
import type { EngineSources } from './plan-build.js';
import { readBuild } from './read-build.js';
import { unpackTarball } from './unpack-tarball.js';

export interface EngineProvisionerOptions {
  readonly store: EngineStore;
  readonly target: EngineTarget;
  readonly builtIn: readonly BuiltIn[];
  /** `null` = there is nothing to build from. */
  readonly sources: EngineSources | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

export interface PrepareOptions {
  /** Default: engine, version, kind of device and the beginning of the digest. */
  readonly id?: string | undefined;
  readonly signal: AbortSignal;
  readonly step: (progress: { readonly phase: string; readonly fraction: number | null }) => void;
}

const NO_DIGEST: Verification = { result: 'warn', reason: 'its digest was measured when it was registered; nothing was given to compare it with' };
const NEVER = new AbortController().signal;

/** Brings engine bundles to the node and writes their entries. Nobody else does. [D-20 D-25] */
export class EngineProvisioner {
  constructor(private readonly options: EngineProvisionerOptions) {}

  /** What came with the program becomes entries, used where it lies; entries of what is no longer there go. [D-70] */
  async registerBuiltIn(): Promise<void> {
    const { store, builtIn, target } = this.options;
    const ids = new Set(builtIn.map(({ deviceKind }) => builtInId(target, deviceKind)));
    for (const { id, inPlace, mode } of store.list()) if (inPlace && mode === 'package' && !ids.has(id)) await store.delete(id);
    for (const one of builtIn) {
      const before = store.get(builtInId(target, one.deviceKind));
      if (before !== null && (await isStillSo(before, one))) continue;
      const entry = await this.#entryOf(one.folder, { mode: 'package', id: builtInId(target, one.deviceKind), signal: NEVER });
      await store.put({ ...entry, inPlace: true, chosenFor: before?.chosenFor ?? [], pinned: before?.pinned ?? false, lastUsedMs: before?.lastUsedMs ?? null });
    }
  }

  /** A prebuilt package, unpacked or as a tarball. */
  async addPackage(path: string, { id, signal, step }: PrepareOptions): Promise<EngineEntry> {
    const { target, env, clock } = this.options;
    this.#refuseTaken(id);
    if (!isAbsolute(path)) throw new ProvisionError('INVALID_REQUEST', `"${path}" is no absolute path on the node; write /…`);
    const found = await stat(path).catch(() => null);
    if (found === null) throw new ProvisionError('NOT_FOUND', `${path} is not there on the node; copy the package to it first`);
    return await this.#inFolder(async (folder, into) => {
      if (!found.isDirectory()) step({ phase: 'unpacking', fraction: null });
      const root = found.isDirectory() ? path : await unpackTarball(path, folder, { env: { ...env }, cwd: folder, clock, signal });
      const bins = await findPrebuilt(root, target);
      await readBuild(bins, target);
      await copyBundleFiles(bins, into, { signal, onFile: (done, total) => step({ phase: 'copying', fraction: done / total }) });
      return await this.#publish(into, { mode: 'package', id, signal, step });
    });
  }

  /** A build from the sources inside node-llama-cpp's package, for the processor of this machine. [D-78] */
  async addSource(jobs: number, { id, signal, step }: PrepareOptions): Promise<EngineEntry> {
    const { target, sources, env, clock } = this.options;
    this.#refuseTaken(id);
    if (sources === null) throw new ProvisionError('TOOL_MISSING', `the sources of the engine are not in node-llama-cpp's package here (llama/gitRelease.bundle and its headers); install it again with them, or add a prebuilt package`);
    return await this.#inFolder(async (folder, into) => {
      await buildBundle({ sources, target, folder, into, jobs, env, clock, signal, onProgress: step });
      return await this.#publish(into, { mode: 'source', id, signal, step });
    });
  }

  /** Recomputes the digests of a bundle's files and keeps what came of it. [D-76] */
  async verify(id: string, { signal, step }: Omit<PrepareOptions, 'id'>): Promise<EngineEntry> {
    const { store, clock } = this.options;
    const entry = store.get(id);
    if (entry === null) throw new ProvisionError('NOT_FOUND', `no engine "${id}" on this node; see "corral engines ls"`);
    if (entry.mode === 'external') throw new ProvisionError('INVALID_REQUEST', `engine ${id} is a server that runs by itself and has no files here; ask it directly`);
    const verification = await this.#compare(entry, (done, total) => step({ phase: 'verifying', fraction: done / total }), signal);
    return await store.update(id, (current) => ({ ...current, verification, lastVerifiedMs: clock.nowMs() }));
  }

  async #compare(entry: EngineEntry, onFile: (done: number, total: number) => void, signal: AbortSignal): Promise<Verification> {
    try {
      const { artifacts, digest } = await readBundleFiles(entry.location, { signal, onFile });
      if (digest === entry.digest) return { result: 'pass', reason: 'its files are those that were registered' };
      const known = new Map(entry.artifacts.map((one) => [one.path, one.digest]));
      const changed = artifacts.filter(({ path, digest: now }) => known.get(path) !== now).map(({ path }) => path);
      const missing = [...known.keys()].filter((path) => !artifacts.some((one) => one.path === path));
      return { result: 'fail', reason: `${[...changed.map((path) => `${path} is another file`), ...missing.map((path) => `${path} is missing`)].slice(0, 3).join(', ')}; remove the bundle and add it again` };
    } catch (error) {
      signal.throwIfAborted();
      return { result: 'fail', reason: `${messageOf(error)}; remove the bundle and add it again` };
    }
  }

  /** A folder for what is needed on the way, and in it one for the bundle; the first is gone afterwards. */
  async #inFolder(work: (folder: string, into: string) => Promise<EngineEntry>): Promise<EngineEntry> {
    const folder = await this.options.store.createPartialFolder();
    const into = join(folder, 'bundle');
    await mkdir(into);
    try {
      return await work(folder, into);
    } catch (error) {
      throw isCatalogError(error) && error.code === 'INVALID_ENTRY' ? new ProvisionError('INVALID_REQUEST', error.message, { cause: error }) : error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #publish(folder: string, { mode, id, signal, step }: PrepareOptions & { readonly mode: EngineMode }): Promise<EngineEntry> {
    step({ phase: 'registering', fraction: null });
    const entry = await this.#entryOf(folder, { mode, id, signal });
    signal.throwIfAborted();
    return await this.options.store.publish(folder, entry);
  }

  async #entryOf(folder: string, { mode, id, signal }: { readonly mode: EngineMode; readonly id: string | undefined; readonly signal: AbortSignal }): Promise<EngineEntry> {
    const { target, clock } = this.options;
    const { deviceKind, buildRef, flags } = await readBuild(folder, target);
    const { artifacts, digest } = await readBundleFiles(folder, { signal });
    const nowMs = clock.nowMs();
    return {
      id: id ?? `${builtInId(target, deviceKind)}-${mode === 'source' ? 'source-' : ''}${digest.slice('sha256:'.length, 'sha256:'.length + 8)}`,
      engine: target.engine,
      version: target.version,
      buildRef,
      digest,
      buildFlags: flags,
      artifacts,
      createdMs: nowMs,
      mode,
      location: folder,
      inPlace: false,
      deviceKinds: [deviceKind],
      chosenFor: [],
      gain: null,
      verification: NO_DIGEST,
      lastVerifiedMs: nowMs,
      state: 'Active',
      retiredAtMs: null,
      pinned: false,
      lastUsedMs: null,
    };
  }

  /** Before the work, not after it. */
  #refuseTaken(id: string | undefined): void {
    if (id === undefined) return;
    const problem = engineIdProblem(id) ?? (this.options.store.get(id) === null ? null : `there is an engine "${id}" already; choose another id, or remove that one with "corral engines rm ${id}"`);
    if (problem !== null) throw new ProvisionError('INVALID_REQUEST', problem);
  }
}
