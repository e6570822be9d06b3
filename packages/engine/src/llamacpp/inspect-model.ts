import { statSync } from 'node:fs';
import type { DeviceKind } from '@corral/contracts';
import { GgufFileType, GgufInsights, readGgufFileInfo, type GgufFileInfo, type Llama } from 'node-llama-cpp';
import type { DeviceMemory, ModelFacts } from '../model-facts.js';
import { cutInfo } from './cut-info.js';
import { remember } from './facts-cache.js';
import { fitContextMemory } from './fit-memory.js';
import type { Requirement } from './remembered-file.js';

/** Contexts that the estimator is asked for, as far as the model was trained for them; it answers in milliseconds. */
const SAMPLED_CONTEXTS = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768];
const SAMPLED_SLOTS = [1, 2, 4, 8];
/** Batches of the contexts that the engine tries before it loads onto a device. */
const PROBED_BATCH_TOKENS = 512;

export interface InspectQuestion {
  readonly path: string;
  readonly deviceKind: DeviceKind;
  readonly batchTokens: number;
  /** Where to remember what a later load needs; `null` = nowhere. */
  readonly remember: { readonly folder: string; readonly path: string; readonly fingerprint: string; readonly digest: string } | null;
}

/** Reads a file's header and asks the engine's own estimator, which loads nothing. */
export async function inspectModel(llama: Llama, question: InspectQuestion): Promise<ModelFacts> {
  const { path, deviceKind, batchTokens } = question;
  const file = await readGgufFileInfo(path, { sourceType: 'filesystem' });
  const insights = await GgufInsights.from(file, llama);
  const { general, tokenizer } = file.metadata;
  const gpuLayers = deviceKind === 'cpu' ? 0 : insights.totalLayers;
  const seen: Seen = {
    gpuLayers,
    mapped: await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: true }),
    contexts: await sampleContexts(insights, { gpuLayers, batchTokens }),
  };
  if (question.remember !== null) await rememberFile(question, question.remember, { file, insights, seen });
  return {
    architecture: general.architecture,
    name: general.name ?? null,
    quant: general.file_type === undefined ? null : quantName(general.file_type),
    layers: file.architectureMetadata.block_count ?? 0,
    embeddingLength: file.architectureMetadata.embedding_length ?? 0,
    vocabSize: tokenizer?.ggml.tokens.length ?? file.architectureMetadata.vocab_size ?? 0,
    trainContext: insights.trainContextSize ?? 0,
    hasChatTemplate: tokenizer?.chat_template !== undefined,
    memory: { [deviceKind]: memoryOf(seen, deviceKind === 'cpu') },
  };
}

/** `MOSTLY_Q4_K_M` is known as `Q4_K_M`. */
function quantName(fileType: GgufFileType): string | null {
  return (GgufFileType[fileType] as string | undefined)?.replace(/^(MOSTLY|ALL)_/, '') ?? null;
}

interface Sample extends Requirement {
  readonly cells: number;
}

/** What the estimator said. */
interface Seen {
  readonly gpuLayers: number;
  readonly mapped: Requirement;
  readonly contexts: readonly Sample[];
}

async function sampleContexts(insights: GgufInsights, { gpuLayers, batchTokens }: { readonly gpuLayers: number; readonly batchTokens: number }): Promise<readonly Sample[]> {
  const trainContext = insights.trainContextSize ?? 0;
  const contexts = SAMPLED_CONTEXTS.filter((tokens) => tokens <= trainContext);
  const samples: Sample[] = [];
  for (const contextSize of contexts.length > 0 ? contexts : [trainContext]) {
    for (const sequences of SAMPLED_SLOTS) {
      const context = await insights.estimateContextResourceRequirementsV2({ contextSize, sequences, batchSize: batchTokens, modelGpuLayers: gpuLayers, flashAttention: 'auto' });
      samples.push({ cells: contextSize * sequences, cpuRam: context.cpuRam, gpuVram: context.gpuVram });
    }
  }
  return samples;
}

const fitOf = (samples: readonly Sample[], place: keyof Requirement) => fitContextMemory(samples.map((sample) => ({ cells: sample.cells, bytes: sample[place] })));

function memoryOf({ mapped, contexts }: Seen, isCpu: boolean): DeviceMemory {
  return {
    weightsBytes: isCpu ? { deviceBytes: mapped.cpuRam, hostBytes: 0 } : { deviceBytes: mapped.gpuVram, hostBytes: mapped.cpuRam },
    contextMemory: fitOf(contexts, isCpu ? 'cpuRam' : 'gpuVram'),
  };
}

interface Inspected {
  readonly file: GgufFileInfo;
  readonly insights: GgufInsights;
  readonly seen: Seen;
}

async function rememberFile({ path, deviceKind, batchTokens }: InspectQuestion, where: NonNullable<InspectQuestion['remember']>, { file, insights, seen }: Inspected): Promise<void> {
  const { gpuLayers, mapped } = seen;
  const widest = deviceKind === 'cpu' ? batchTokens : Math.max(batchTokens, PROBED_BATCH_TOKENS);
  const contexts = widest === batchTokens ? seen.contexts : await sampleContexts(insights, { gpuLayers, batchTokens: widest });
  const copied = await insights.estimateModelResourceRequirementsV2({ gpuLayers, useMmap: false });
  remember(where.folder, where.path, {
    key: { fingerprint: where.fingerprint, digest: where.digest, deviceKind, batchTokens, sizeBytes: statSync(path).size },
    info: cutInfo(file),
    gpuLayers,
    weights: { mapped, copied },
    context: { batchTokens: widest, cpuRam: fitOf(contexts, 'cpuRam'), gpuVram: fitOf(contexts, 'gpuVram') },
  });
}
