import { formatModelRef, parseModelRef } from '@corral/catalog-core';
import type { CatalogEntry, DeviceKind, ModelFacts } from '@corral/catalog-core';
import type { CatalogStore } from '@corral/catalog-core/fs';
import type { Device, DeviceDiscovery, EngineProvider } from '@corral/engine';
import { ModelProvisioner, parseFetchPolicy } from '@corral/provisioners';
import type { MakeRoom, ProvidedModel, WebLimits } from '@corral/provisioners';
import type { Clock, Log } from '@corral/service-kit';
import type { DevicePermissions } from '../devices/device-problem.js';
import { deviceProblem } from '../devices/device-problem.js';
import { DownloadPace } from './download-pace.js';
import type { EnsureModel } from './model-presence.js';
import type { PresentModel, WantedModel } from './present-model.js';

export interface ModelSourceOptions {
  readonly provider: EngineProvider;
  readonly store: CatalogStore;
  readonly permissions: DevicePermissions;
  readonly fetchAllow: readonly string[] | null;
  readonly web: WebLimits;
  readonly batchTokens: number;
  /** The environment that the tools of fetchers run in. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly makeRoom: MakeRoom;
  /** Whether a verified copy of the file is in RAM. */
  readonly isStaged: (digest: string) => boolean;
  /** Bytes that came over a network, and how long that took. */
  readonly onDownloaded: (bytes: number, durationMs: number) => void;
  /** For the metrics. */
  readonly onFetched: (outcome: 'present' | 'fetched' | 'failed', fetched: ProvidedModel['fetched']) => void;
}

/** The way from an assignment's model to a verified file with its facts: the provisioner, asked with this node's devices. [C-13] */
export class ModelSource {
  readonly #provisioner: ModelProvisioner;
  readonly #factsKey: string;

  constructor(
    private readonly options: ModelSourceOptions,
    discovery: DeviceDiscovery,
  ) {
    const { provider, store, permissions, fetchAllow, web, batchTokens, env, makeRoom, clock, random, log } = options;
    const devices = inspectionDevices(discovery, permissions);
    const policy = parseFetchPolicy(fetchAllow);
    if (policy.kind === 'refused') throw new Error(policy.message);
    // Figures of another engine, device kind or batch size are none.
    this.#factsKey = `${provider.name}@${provider.version}/${devices.map(({ kind }) => kind).join('+')}/batch ${batchTokens}`;
    this.#provisioner = new ModelProvisioner({
      store,
      inspect: (path, signal, digest) => inspectOn(provider, { path, digest, devices, batchTokens, signal }),
      factsKey: this.#factsKey,
      policy: policy.policy,
      env: { ...env },
      web,
      makeRoom,
      clock,
      random,
      log,
    });
  }

  readonly ensure: EnsureModel = async (wanted, { signal, onProgress }) => {
    const staged = this.#stagedEntry(wanted);
    if (staged !== null) return presentModel(staged);
    const pace = new DownloadPace(this.options.clock);
    try {
      const { entry, fetched } = await this.#provisioner.ensurePresent({
        ...wanted,
        signal,
        onProgress: (progress) => {
          pace.saw(progress);
          onProgress(progress);
        },
      });
      this.options.onFetched(fetched === null ? 'present' : 'fetched', fetched);
      if (fetched !== null && fetched.scheme !== 'file') this.options.onDownloaded(pace.bytes, pace.durationMs);
      return presentModel(entry);
    } catch (error) {
      if (!signal.aborted) this.options.onFetched('failed', null);
      throw error;
    }
  };

  /**
   * A staged copy was verified when it was made, and is what a load reads: its file on disk need not be there any more.
   * Where that was found to be bad, it has to be good again first. [C-76 D-62]
   */
  #stagedEntry(wanted: WantedModel): CatalogEntry | null {
    const entry = this.options.store.get(wanted.modelId);
    if (entry === null || entry.lifecycle !== 'Active' || entry.verification.result === 'fail' || entry.facts === null || entry.factsKey !== this.#factsKey) return null;
    const isWanted = wanted.digest === null ? wanted.sources.some((source) => isRefOf(entry, source)) : wanted.digest === entry.digest;
    return isWanted && this.options.isStaged(entry.digest) ? entry : null;
  }

  close(): Promise<void> {
    return this.#provisioner.close();
  }
}

function isRefOf({ refs }: CatalogEntry, source: string): boolean {
  const parsed = parseModelRef(source);
  return parsed.kind === 'ref' && refs.includes(formatModelRef(parsed.ref));
}

function presentModel({ id, digest, localPath, sizeBytes, facts }: CatalogEntry): PresentModel {
  return { modelId: id, digest, path: localPath, sizeBytes, facts };
}

/** One device of each kind that pools may be made of; the CPU where it may, or where there is nothing else to ask. */
export function inspectionDevices(discovery: DeviceDiscovery, permissions: DevicePermissions): readonly Pick<Device, 'kind' | 'mask'>[] {
  const byKind = new Map<DeviceKind, Pick<Device, 'kind' | 'mask'>>();
  for (const { id, kind, mask } of discovery.devices) {
    if (deviceProblem(id, discovery, permissions) === null && !byKind.has(kind)) byKind.set(kind, { kind, mask });
  }
  return byKind.size === 0 ? [{ kind: 'cpu', mask: '' }] : [...byKind.values()];
}

interface Inspection {
  readonly path: string;
  readonly digest: string;
  readonly devices: readonly Pick<Device, 'kind' | 'mask'>[];
  readonly batchTokens: number;
  readonly signal: AbortSignal;
}

/** What the file says is the same on every device; the memory is asked for on each. */
async function inspectOn(provider: EngineProvider, { path, digest, devices, batchTokens, signal }: Inspection): Promise<ModelFacts> {
  const seen: ModelFacts[] = [];
  for (const { kind, mask } of devices) seen.push(await provider.inspect(path, { deviceKind: kind, deviceMask: mask, batchTokens, digest, signal }));
  const [facts] = seen;
  if (facts === undefined) throw new Error('there is no device to inspect a model for; look at the pools of this node');
  return { ...facts, memory: Object.assign({}, ...seen.map(({ memory }) => memory)) as ModelFacts['memory'] };
}
