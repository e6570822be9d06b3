import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { EngineError } from '../engine-error.js';
import type { ReplicaInfo, ReplicaSpec } from '../port.js';
import type { TextModel } from '../worker/text-model.js';
import { workerClock } from '../worker/worker-clock.js';
import { writeLog } from '../worker/worker-log.js';
import { assertOnDevice } from './assert-on-device.js';
import { BatchGate } from './batch-gate.js';
import { LlamaTextModel } from './llama-text-model.js';
import { toEngineError } from './open-llama.js';

/**
 * Loads one model whole on the one visible device, and makes its context.
 *
 * Never `"auto"` layers: `"max"` refuses a model that does not fit. [C-33]
 */
export async function loadModel(llama: Llama, spec: ReplicaSpec, { fingerprint, onProgress }: { fingerprint: string; onProgress: (fraction: number) => void }): Promise<TextModel> {
  const startedMs = workerClock.monotonicMs();
  const { deviceKind } = spec;
  if (deviceKind !== 'cpu' && deviceKind !== 'vulkan') throw new EngineError('device_unsupported', `there is no engine code for ${deviceKind} devices; use a cpu or vulkan pool`);
  try {
    llama.maxThreads = spec.threads;
    const model = await llama.loadModel({
      modelPath: spec.modelPath,
      gpuLayers: 'max',
      useMmap: spec.weightsIo === 'mmap',
      useDirectIo: spec.weightsIo === 'direct_io',
      onLoadProgress: onProgress,
    });
    const where = {
      gpu: llama.gpu,
      deviceNames: deviceKind === 'cpu' ? [] : await llama.getGpuDeviceNames(),
      supportsOffloading: llama.supportsGpuOffloading,
      layersOnDevice: model.gpuLayers,
      totalLayers: model.fileInsights.totalLayers,
      deviceBytes: model.memoryUsage.vram,
    };
    assertOnDevice(deviceKind, where);
    const gate = new BatchGate(spec.slots, spec.prefillChunkTokens, workerClock);
    const context = await createContext(model, spec, gate);
    const info = describe(spec, { model, context, layersOnDevice: where.layersOnDevice, totalLayers: where.totalLayers, loadMs: Math.round(workerClock.monotonicMs() - startedMs) });
    return new LlamaTextModel({ model, context, gate, info, fingerprint, prefillChunkTokens: spec.prefillChunkTokens });
  } catch (error) {
    throw toEngineError(error);
  }
}

/** More context than a model was trained for is never reserved: a far too large one ends the process. [C-127] */
async function createContext(model: LlamaModel, spec: ReplicaSpec, gate: BatchGate): Promise<LlamaContext> {
  if (spec.contextTokens > model.trainContextSize) writeLog('warn', 'context cut to what the model was trained for', { asked_tokens: spec.contextTokens, context_tokens: model.trainContextSize });
  return await model.createContext({
    sequences: spec.slots,
    contextSize: Math.min(spec.contextTokens, model.trainContextSize),
    batchSize: spec.batchTokens,
    threads: spec.threads,
    batching: { itemPrioritizationStrategy: gate.strategy },
    failedCreationRemedy: false,
  });
}

interface Loaded {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly layersOnDevice: number;
  readonly totalLayers: number;
  readonly loadMs: number;
}

function describe(spec: ReplicaSpec, { model, context, layersOnDevice, totalLayers, loadMs }: Loaded): ReplicaInfo {
  const onCpu = spec.deviceKind === 'cpu';
  const [weights, cells] = [model.memoryUsage, context.memoryUsage];
  return {
    slots: spec.slots,
    contextTokens: Math.min(spec.contextTokens, model.trainContextSize),
    layersOnDevice,
    totalLayers,
    memory: {
      weightsBytes: onCpu ? weights.ram : weights.vram,
      contextBytes: onCpu ? cells.ram : cells.vram,
      hostBytes: onCpu ? 0 : weights.ram + cells.ram,
    },
    hasChatTemplate: model.fileInfo.metadata.tokenizer?.chat_template !== undefined,
    loadMs,
    loadPath: 'public',
  };
}
