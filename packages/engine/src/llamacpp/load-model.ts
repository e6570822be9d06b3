import { statSync } from 'node:fs';
import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import type { ReplicaInfo, ReplicaSpec } from '../port.js';
import type { TextModel } from '../worker/text-model.js';
import { workerClock } from '../worker/worker-clock.js';
import { writeLog } from '../worker/worker-log.js';
import { assertOnDevice } from './assert-on-device.js';
import { BatchGate } from './batch-gate.js';
import { LlamaTextModel, type MadeContext } from './llama-text-model.js';
import { supportedKind } from './llama-setup.js';
import { prefixFolderOf } from './prefix-folder-of.js';
import { toEngineError } from './to-engine-error.js';

export interface LoadHow {
  readonly fingerprint: string;
  readonly onProgress: (fraction: number) => void;
  /** Asked once the model and its context are there. */
  readonly loadPath: () => ReplicaInfo['loadPath'];
  /** Does something that reads the file or simulates memory with what is remembered of them. Default: as the engine does by itself. */
  readonly again?: (<T>(task: () => Promise<T>) => Promise<T>) | undefined;
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
    const loaded = model;
    const make = async (loadPath: () => ReplicaInfo['loadPath'], sinceMs: number): Promise<MadeContext> => {
      const context = await createContext(loaded, spec, gate);
      return { context, info: describe(spec, { model: loaded, context, layersOnDevice: where.layersOnDevice, totalLayers: where.totalLayers, loadMs: Math.round(workerClock.monotonicMs() - sinceMs), loadPath: loadPath() }) };
    };
    const made = await make(how.loadPath, startedMs);
    const { loadPath } = made.info;
    return new LlamaTextModel({
      model,
      made,
      makeAgain: async () => await makeAgain(() => make(() => loadPath, workerClock.monotonicMs()), how),
      gate,
      fingerprint: how.fingerprint,
      prefillChunkTokens: spec.prefillChunkTokens,
      mappedBytes: spec.weightsIo === 'mmap' ? Math.min(made.info.memory.weightsBytes, statSync(spec.modelPath).size) : 0,
      folderFor: (context) => prefixFolderOf(spec, context, { fingerprint: how.fingerprint, deviceNames: where.deviceNames }),
    });
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

async function makeAgain(make: () => Promise<MadeContext>, { again = (task) => task() }: LoadHow): Promise<MadeContext> {
  try {
    return await again(make);
  } catch (error) {
    throw toEngineError(error);
  }
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
