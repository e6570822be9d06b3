import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DeviceKind } from '@corral/contracts';
import { EngineError, EngineWorkers, type Device, type EngineProvider, type ReplicaSpec, type WorkersLimits } from '@corral/engine';
import { systemClock } from '@corral/service-kit';
import type { ScriptedBehaviour } from './behaviour.js';

export interface ScriptedEngineOptions {
  /** What pools report as their engine. Default `scripted`; tasks are placed on `llamacpp`. */
  readonly name?: string;
  /** One behaviour for all, or one per start; `starts` counts from 0 for each model path. */
  readonly behaviour?: ScriptedBehaviour | ((spec: ReplicaSpec, starts: number) => ScriptedBehaviour);
  /** Kind of the one device that `discover` finds. Default `cpu`. */
  readonly deviceKind?: DeviceKind;
  /** Memory of that device. Default 4,096. */
  readonly vramTotalMb?: number;
  /** Limits of the processes that wait for a load. */
  readonly limits?: Partial<WorkersLimits>;
}

/**
 * An engine whose faults are chosen: real child processes that speak the real worker's protocol, and no
 * inference. Never part of a daemon: a test hands it to one. [I-05]
 */
export function scriptedEngine({ name = 'scripted', behaviour = {}, deviceKind = 'cpu', vramTotalMb = 4_096, limits = {} }: ScriptedEngineOptions = {}): EngineProvider {
  const starts = new Map<string, number>();
  const memoryBytes = vramTotalMb * 1_024 * 1_024;
  const device: Device = {
    kind: deviceKind,
    mask: deviceKind === 'cpu' ? '' : '0',
    id: deviceKind === 'cpu' ? 'cpu' : `${deviceKind}:0`,
    name: 'scripted device',
    memoryTotalBytes: memoryBytes,
    memoryFreeBytes: memoryBytes,
    software: false,
    unsupported: null,
  };
  const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== 'NODE_OPTIONS'));
  const workers = new EngineWorkers({
    program: () => ({ entry: compiledWorker(), args: [JSON.stringify(typeof behaviour === 'function' ? {} : behaviour)], env, clock: systemClock }),
    clock: systemClock,
    limits,
  });
  return {
    name,
    version: '1.0.0',
    builtIn: [],
    buildRef: 'none',
    sources: null,
    discover: () =>
      Promise.resolve({
        devices: [device],
        probes: [{ kind: deviceKind, lookedFor: 'a script', found: true, detail: 'it is there' }],
        cpu: { cores: 2, model: 'scripted', memoryTotalBytes: memoryBytes, memoryAvailableBytes: memoryBytes },
      }),
    inspect: async (path, { deviceKind: kind, signal }) => {
      signal?.throwIfAborted();
      const file = await stat(path).catch((error: unknown) => {
        throw new EngineError('bad_model', `the model cannot be read: ${String(error)}`);
      });
      return {
        architecture: 'scripted',
        name: null,
        quant: null,
        layers: 1,
        embeddingLength: 1,
        vocabSize: 16,
        trainContext: 4_096,
        hasChatTemplate: true,
        memory: { [kind]: { weightsBytes: { deviceBytes: file.size, hostBytes: 0 }, contextMemory: { baseBytes: 1_000, perCellBytes: 100 } } },
      };
    },
    start: async (spec, options) => {
      const count = starts.get(spec.modelPath) ?? 0;
      starts.set(spec.modelPath, count + 1);
      return await workers.start(spec, options, typeof behaviour === 'function' ? behaviour(spec, count) : behaviour);
    },
    standBy: (device, options) => workers.standBy(device, options),
  };
}

/** A child runs compiled code, wherever this module was loaded from. */
function compiledWorker(): string {
  return fileURLToPath(new URL('./worker.js', import.meta.url)).replace('/test-kit/src/', '/test-kit/dist/');
}
