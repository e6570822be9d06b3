import type { DeviceKind } from '@corral/contracts';
import { GgufFileType, GgufInsights, readGgufFileInfo, type Llama } from 'node-llama-cpp';
import type { DeviceMemory, ModelFacts } from '../model-facts.js';
import { fitContextMemory, type ContextSample } from './fit-memory.js';

/** Contexts that the estimator is asked for, as far as the model was trained for them; it answers in milliseconds. */
const SAMPLED_CONTEXTS = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768];
const SAMPLED_SLOTS = [1, 2, 4, 8];

export interface InspectQuestion {
  readonly path: string;
  readonly deviceKind: DeviceKind;
  readonly batchTokens: number;
}

/** Reads a file's header and asks the engine's own estimator, which loads nothing. */
export async function inspectModel(llama: Llama, { path, deviceKind, batchTokens }: InspectQuestion): Promise<ModelFacts> {
  const file = await readGgufFileInfo(path, { sourceType: 'filesystem' });
  const insights = await GgufInsights.from(file, llama);
  const { general, tokenizer } = file.metadata;
  return {
    architecture: general.architecture,
    name: general.name ?? null,
    quant: general.file_type === undefined ? null : quantName(general.file_type),
    layers: file.architectureMetadata.block_count ?? 0,
    embeddingLength: file.architectureMetadata.embedding_length ?? 0,
    vocabSize: tokenizer?.ggml.tokens.length ?? file.architectureMetadata.vocab_size ?? 0,
    trainContext: insights.trainContextSize ?? 0,
    hasChatTemplate: tokenizer?.chat_template !== undefined,
    memory: { [deviceKind]: await memoryOn(insights, { isCpu: deviceKind === 'cpu', batchTokens }) },
  };
}

/** `MOSTLY_Q4_K_M` is known as `Q4_K_M`. */
function quantName(fileType: GgufFileType): string | null {
  return (GgufFileType[fileType] as string | undefined)?.replace(/^(MOSTLY|ALL)_/, '') ?? null;
}

async function memoryOn(insights: GgufInsights, { isCpu, batchTokens }: { readonly isCpu: boolean; readonly batchTokens: number }): Promise<DeviceMemory> {
  const gpuLayers = isCpu ? 0 : insights.totalLayers;
  const weights = await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: true });
  const trainContext = insights.trainContextSize ?? 0;
  const contexts = SAMPLED_CONTEXTS.filter((tokens) => tokens <= trainContext);
  const samples: ContextSample[] = [];
  for (const contextSize of contexts.length > 0 ? contexts : [trainContext]) {
    for (const sequences of SAMPLED_SLOTS) {
      const context = await insights.estimateContextResourceRequirementsV2({ contextSize, sequences, batchSize: batchTokens, modelGpuLayers: gpuLayers, flashAttention: 'auto' });
      samples.push({ cells: contextSize * sequences, bytes: isCpu ? context.cpuRam : context.gpuVram });
    }
  }
  return {
    weightsBytes: isCpu ? { deviceBytes: weights.cpuRam, hostBytes: 0 } : { deviceBytes: weights.gpuVram, hostBytes: weights.cpuRam },
    contextMemory: fitContextMemory(samples),
  };
}
