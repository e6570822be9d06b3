import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Clock } from '@corral/service-kit';
import { childEnv, type Environment } from '../child/child-env.js';
import type { WorkerProgram } from '../child/worker-process.js';
import type { DeviceRef, ReplicaSpec } from '../port.js';
import { openFactsFolder, rememberedPath } from './facts-cache.js';
import type { Installation } from './native-binary.js';
import { hasMark, markPathOf, removeMark } from './self-test-mark.js';
import type { LlamaSetup } from './llama-setup.js';
import { isCurrentBundle } from './worker-bundle.js';
import type { LoadExtra, WorkerArguments } from './worker-arguments.js';

/** Compiled programs of the engine. */
export interface ProgramPaths {
  readonly worker: string;
  readonly probe: string;
  /** The worker in one file, which starts faster; not used when it is missing or out of date. */
  readonly bundle: string;
}

export function ownPrograms(): ProgramPaths {
  const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  return { worker: beside('./worker.js'), probe: beside('./probe.js'), bundle: beside('../bundle/worker.js') };
}

export interface ProgramOptions {
  readonly paths: ProgramPaths;
  readonly installation: Installation;
  readonly fingerprint: string;
  readonly env: Environment;
  readonly clock: Clock;
  readonly logLevel: LlamaSetup['logLevel'];
  /** Folder of the engine's cache; `null` = nothing is remembered and no binary is trusted. */
  readonly cacheDir: string | null;
}

/** Which program serves a device, and what the cache holds for it. */
export class LlamacppPrograms {
  readonly #folder: string | null;
  readonly #hasBundle: boolean;

  constructor(private readonly options: ProgramOptions) {
    const { cacheDir, paths, installation } = options;
    this.#folder = cacheDir !== null && openFactsFolder(cacheDir) ? cacheDir : null;
    this.#hasBundle = this.#folder !== null && isCurrentBundle(paths.bundle, installation.version);
  }

  /** The bundled worker for a binary that was seen to work here, else the one that finds and tests its binary. */
  worker(device: DeviceRef): WorkerProgram {
    const { paths } = this.options;
    const only = this.#onlyBinary(device);
    if (only !== null) return this.#program(device, { entry: this.#hasBundle ? paths.bundle : paths.worker, markPath: null, trusted: { binary: only, publicModule: null } });
    const markPath = this.markPath(device);
    const binary = this.#hasBundle && markPath !== null && hasMark(markPath) ? this.options.installation.binaryOf(device.deviceKind) : null;
    const trusted = binary === null ? null : { binary, publicModule: pathToFileURL(join(paths.worker, '..', 'open-public.js')).href };
    const program = this.#program(device, { entry: trusted === null ? paths.worker : paths.bundle, markPath, trusted });
    return { ...program, ...(trusted !== null && markPath !== null && { distrust: () => removeMark(markPath) }) };
  }

  #program({ deviceKind, deviceMask }: DeviceRef, { entry, markPath, trusted }: Pick<WorkerArguments, 'markPath' | 'trusted'> & { readonly entry: string }): WorkerProgram {
    const { env, clock, logLevel, fingerprint } = this.options;
    return {
      entry,
      args: [JSON.stringify({ deviceKind, logLevel, fingerprint, markPath, trusted } satisfies WorkerArguments)],
      env: childEnv(env, { kind: deviceKind, mask: deviceMask }),
      clock,
    };
  }

  /** The binary of a bundle that did not come with the program: nothing else may be found in its place. */
  #onlyBinary({ bundle, deviceKind }: DeviceRef): string | null {
    return bundle === undefined || bundle.binary === this.options.installation.binaryOf(deviceKind) ? null : bundle.binary;
  }

  /** Whether a binary that was seen to work would start faster than one that was not, and none was seen yet. */
  wantsSelfTest(device: DeviceRef): boolean {
    const markPath = this.markPath(device);
    return this.#onlyBinary(device) === null && this.#hasBundle && markPath !== null && !hasMark(markPath);
  }

  markPath({ deviceKind, deviceMask }: DeviceRef): string | null {
    const { fingerprint, env } = this.options;
    const binary = this.options.installation.binaryOf(deviceKind);
    return this.#folder === null || binary === null ? null : markPathOf(this.#folder, { deviceKind, deviceMask, fingerprint, binary, env });
  }

  /** Where to remember a file; `null` = nowhere. */
  remember(of: { readonly digest: string | undefined; readonly deviceKind: DeviceRef['deviceKind']; readonly batchTokens: number }): { readonly folder: string; readonly path: string; readonly fingerprint: string; readonly digest: string } | null {
    const { digest } = of;
    if (this.#folder === null || digest === undefined) return null;
    const path = rememberedPath(this.#folder, { ...of, digest });
    return path === null ? null : { folder: this.#folder, path, fingerprint: this.options.fingerprint, digest };
  }

  extra({ digest, deviceKind, batchTokens }: ReplicaSpec): LoadExtra {
    return { rememberedPath: this.remember({ digest: digest ?? undefined, deviceKind, batchTokens })?.path ?? null };
  }

  /** Whether a load that found nothing remembered would have used it. */
  get canRemember(): boolean {
    return this.#hasBundle;
  }
}
