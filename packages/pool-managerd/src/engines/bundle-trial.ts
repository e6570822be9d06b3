import { join } from 'node:path';
import type { DeviceKind, EngineEntry } from '@corral/catalog-core';
import type { EngineStore } from '@corral/catalog-core/fs';
import { isEngineError, measureGain, probeBundle } from '@corral/engine';
import type { EngineBundleRef, EngineProvider } from '@corral/engine';
import { NATIVE_BINARY } from '@corral/provisioners';
import { messageOf } from '@corral/service-kit';
import type { Clock, Log, OperationStep } from '@corral/service-kit';
import type { EngineChoices } from './engine-choices.js';
import { takeUp } from './take-up.js';
import type { TakeUpPorts } from './take-up.js';

export interface BundleTrialOptions extends TakeUpPorts {
  readonly store: EngineStore;
  readonly choices: EngineChoices;
  readonly engine: EngineProvider;
  /** What disposable workers write. */
  readonly workerLog: Log;
  readonly clock: Clock;
  /** The device of a pool of this kind that can serve, and its threads; `null` = there is none. */
  deviceOf(kind: DeviceKind): { readonly deviceMask: string; readonly threads: number } | null;
}

interface TrialRun {
  /** Else it is only probed. */
  readonly use: boolean;
  readonly step: OperationStep;
  readonly signal: AbortSignal;
}

/** Tries bundles on the devices of this node: whether they compute, how fast they are, whether they serve. [D-73 D-74 D-77] */
export class BundleTrial {
  constructor(private readonly options: BundleTrialOptions) {}

  get version(): string {
    return this.options.engine.version;
  }

  /** Returns how many replicas run it then; `null` where it was not taken up: no pool of this kind, or it was not to be used. */
  async run(entry: EngineEntry, kind: DeviceKind, { use, step, signal }: TrialRun): Promise<number | null> {
    const { choices, store, clock } = this.options;
    const device = this.options.deviceOf(kind);
    if (device === null) return null;
    if (choices.forReplicas(kind) !== entry.id) await this.#probe(entry, { deviceKind: kind, deviceMask: device.deviceMask }, { step, signal });
    if (!use) return null;
    const previous = choices.forReplicas(kind);
    const swapped = await takeUp(kind, entry.id, { ...this.options, step, signal });
    for (const id of new Set([entry.id, previous])) if (id !== null && store.get(id) !== null) await store.update(id, (before) => ({ ...before, lastUsedMs: clock.nowMs() }));
    return swapped;
  }

  /** How a local build does beside what serves, kept in its entry. A measurement that fails is none. */
  async measure(entry: EngineEntry, step: OperationStep, signal: AbortSignal): Promise<void> {
    const { choices, engine, workerLog, clock, store } = this.options;
    for (const kind of entry.deviceKinds) {
      const device = this.options.deviceOf(kind);
      const against = engine.builtIn.some(({ deviceKind }) => deviceKind === kind) ? choices.builtInId(kind) : choices.forReplicas(kind);
      const reference = choices.bundle(against);
      if (device === null || reference === undefined) continue;
      step({ phase: 'measuring', fraction: null });
      try {
        const gain = await measureGain({ provider: engine, bundle: bundleOf(entry), reference, device: { deviceKind: kind, deviceMask: device.deviceMask }, threads: device.threads, clock, log: workerLog, signal });
        await store.update(entry.id, (before) => ({ ...before, gain: { against: reference.id, ...gain, threads: device.threads, measuredMs: clock.nowMs() } }));
      } catch (error) {
        signal.throwIfAborted();
        workerLog.warn('gain of an engine not measured', { engine_id: entry.id, last_error: messageOf(error) });
      }
    }
  }

  /** A bundle that computes wrongly, or not at all, is marked, so that it is not used again by mistake. */
  async #probe(entry: EngineEntry, device: { readonly deviceKind: DeviceKind; readonly deviceMask: string }, { step, signal }: Omit<TrialRun, 'use'>): Promise<void> {
    const { engine, choices, workerLog, store, clock } = this.options;
    const reference = choices.bundle(choices.forReplicas(device.deviceKind)) ?? null;
    try {
      await probeBundle({ provider: engine, bundle: bundleOf(entry), reference, device, log: workerLog, signal, onModel: (done, total) => step({ phase: 'probing', fraction: done / total }) });
    } catch (error) {
      signal.throwIfAborted();
      const reason = `its probe failed on ${device.deviceKind}: ${describe(error)}`;
      await store.update(entry.id, (before) => ({ ...before, verification: { result: 'fail', reason: `${reason}; verify it, or remove it and add another` }, lastVerifiedMs: clock.nowMs() }));
      throw new Error(reason, { cause: error });
    }
  }
}

function bundleOf({ id, location }: EngineEntry): EngineBundleRef {
  return { id, binary: join(location, NATIVE_BINARY) };
}

const LAST_WORDS = 2;

function describe(error: unknown): string {
  if (!isEngineError(error)) return messageOf(error);
  const said = error.lastWords.slice(-LAST_WORDS).filter((line) => !error.message.includes(line));
  return [error.message, ...said].join(' | ').slice(0, 600);
}
