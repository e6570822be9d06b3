import { EngineError } from '../engine-error.js';

/** Where a load ended, as the engine reports it. */
export interface LoadedWhere {
  readonly gpu: string | false;
  readonly deviceNames: readonly string[];
  readonly supportsOffloading: boolean;
  readonly layersOnDevice: number;
  readonly totalLayers: number;
  readonly deviceBytes: number;
}

/**
 * Refuses a load that is not whole on the one device that was asked for.
 *
 * The engine loads into host memory without a word when no device is visible, and splits layers when
 * several are. [C-30 C-32 C-33]
 */
export function assertOnDevice(kind: 'cpu' | 'vulkan', where: LoadedWhere): void {
  const problems = kind === 'cpu' ? cpuProblems(where) : deviceProblems(kind, where);
  if (problems.length > 0) throw new EngineError('not_on_device', `the model was not loaded whole on one ${kind} device: ${problems.join('; ')}; check the device of the pool`);
}

function cpuProblems({ gpu, layersOnDevice }: LoadedWhere): string[] {
  return [...(gpu === false ? [] : [`the engine uses ${gpu}`]), ...(layersOnDevice === 0 ? [] : [`${layersOnDevice} layers went elsewhere`])];
}

function deviceProblems(kind: string, { gpu, deviceNames, supportsOffloading, layersOnDevice, totalLayers, deviceBytes }: LoadedWhere): string[] {
  return [
    ...(gpu === kind ? [] : [`the engine uses ${gpu === false ? 'the CPU' : gpu}`]),
    ...(deviceNames.length === 1 ? [] : [`it sees ${deviceNames.length} devices`]),
    ...(supportsOffloading ? [] : ['it cannot offload']),
    ...(layersOnDevice === totalLayers ? [] : [`${layersOnDevice} of ${totalLayers} layers are on it`]),
    ...(deviceBytes > 0 ? [] : ['no weights are on it']),
  ];
}
