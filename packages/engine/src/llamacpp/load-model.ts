import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import type { ReplicaInfo, ReplicaSpec } from '../port.js';
import type { TextModel } from '../worker/text-model.js';
import { workerClock } from '../worker/worker-clock.js';
import { writeLog } from '../worker/worker-log.js';
import { assertOnDevice } from './assert-on-device.js';
import { BatchGate } from './batch-gate.js';
import { LlamaTextModel } from './llama-text-model.js';
import { supportedKind } from './llama-setup.js';
import { toEngineError } from './to-engine-error.js';

export interface LoadHow {
  readonly fingerprint: string;
  readonly onProgress: (fraction: number) => void;
  /** Asked once the model and its context are there. */
  readonly loadPath: () => ReplicaInfo['loadPath'];
}

/**
 * Loads one model whole on the one visible device, and makes its context. When it rejects, nothing of the model is left.
 *
 * Never `"auto"` layers: `"max"` refuses a model that does not fit. [C-33]
 */
export async function loadModel(llama: Llama, spec: ReplicaSpec, how: LoadHow): Promise<TextModel> {
  const startedMs = workerClock.monotonicMs();
  let model: LlamaModel | null = null;
  try {
    const deviceKind = supportedKind(spec.deviceKind);
    llama.maxThreads = spec.threads;
    model = await llama.loadModel({
      modelPath: spec.modelPath,
      gpuLayers: 'max',
      useMmap: spec.weightsIo === 'mmap',
      useDirectIo: spec.weightsIo === 'direct_io',
      onLoadProgress: how.onProgress,
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
    const info = describe(spec, { model, context, layersOnDevice: where.layersOnDevice, totalLayers: where.totalLayers, loadMs: Math.round(workerClock.monotonicMs() - startedMs), loadPath: how.loadPath() });
    return new LlamaTextModel({ model, context, gate, info, fingerprint: how.fingerprint, prefillChunkTokens: spec.prefillChunkTokens });
  } catch (error) {
    await model?.dispose();
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
  readonly loadPath: ReplicaInfo['loadPath'];
}

function describe(spec: ReplicaSpec, { model, context, layersOnDevice, totalLayers, loadMs, loadPath }: Loaded): ReplicaInfo {
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
    loadPath,
  };
}
