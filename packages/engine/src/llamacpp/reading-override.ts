import { GgufInsights, type GgufFileInfo } from 'node-llama-cpp';
import { completeInfo } from './cut-info.js';
import type { ContextFit } from './fit-memory.js';
import type { RememberedFile, Requirement } from './remembered-file.js';

declare global {
  /** The bundle of the worker asks here before the engine reads a file's header. */
  var corralReadGguf: ((path: string, read: () => Promise<GgufFileInfo>) => Promise<GgufFileInfo>) | undefined;
}

type WeightsQuestion = Parameters<GgufInsights['estimateModelResourceRequirementsV2']>[0];
type ContextQuestion = Parameters<GgufInsights['estimateContextResourceRequirementsV2']>[0];

const CELLS_STEP = 256;

/**
 * Makes the engine take from memory what it would read from a file and simulate, until `undo`.
 *
 * A question that nothing is remembered for is answered by the engine itself. [C-152]
 */
export class ReadingOverride {
  #remembered = 0;
  #asked = 0;
  readonly undo: () => void;

  constructor(file: RememberedFile, modelPath: string) {
    const original = {
      weights: Object.getOwnPropertyDescriptor(GgufInsights.prototype, 'estimateModelResourceRequirementsV2'),
      context: Object.getOwnPropertyDescriptor(GgufInsights.prototype, 'estimateContextResourceRequirementsV2'),
    };
    const [weights, context] = [original.weights?.value, original.context?.value] as [GgufInsights['estimateModelResourceRequirementsV2'], GgufInsights['estimateContextResourceRequirementsV2']];
    const answer = async <T>(remembered: T | null, ask: () => Promise<T>): Promise<T> => {
      if (remembered === null) this.#asked += 1;
      else this.#remembered += 1;
      return remembered ?? (await ask());
    };
    globalThis.corralReadGguf = (path, read) => answer(path === modelPath ? completeInfo(file.info, path) : null, read);
    GgufInsights.prototype.estimateModelResourceRequirementsV2 = function (question) {
      return answer(weightsOf(file, question), () => weights.call(this, question));
    };
    GgufInsights.prototype.estimateContextResourceRequirementsV2 = function (question) {
      return answer(contextOf(file, question), () => context.call(this, question));
    };
    this.undo = () => {
      globalThis.corralReadGguf = undefined;
      GgufInsights.prototype.estimateModelResourceRequirementsV2 = weights;
      GgufInsights.prototype.estimateContextResourceRequirementsV2 = context;
    };
  }

  /** `fast` when the engine neither read the file's header nor simulated anything. */
  get loadPath(): 'fast' | 'public' {
    return this.#remembered > 0 && this.#asked === 0 ? 'fast' : 'public';
  }
}

function weightsOf({ weights, gpuLayers }: RememberedFile, question: WeightsQuestion): Requirement | null {
  if (question.gpuLayers !== gpuLayers || question.useMmap === undefined) return null;
  return { ...(question.useMmap ? weights.mapped : weights.copied) };
}

/** Only for a context as this engine makes it: text generation, 16-bit cache, flash attention as the model has it. */
function contextOf({ context, gpuLayers }: RememberedFile, question: ContextQuestion): Requirement | null {
  const { contextSize, sequences, batchSize, modelGpuLayers, isEmbeddingContext = false, flashAttention = 'auto', swaFullCache = false } = question;
  if (sequences === undefined || batchSize === undefined || batchSize > context.batchTokens || modelGpuLayers !== gpuLayers) return null;
  if (isEmbeddingContext || swaFullCache || flashAttention !== 'auto') return null;
  const cells = Math.ceil(contextSize / CELLS_STEP) * CELLS_STEP * sequences;
  return { cpuRam: bytesOf(context.cpuRam, cells), gpuVram: bytesOf(context.gpuVram, cells) };
}

function bytesOf({ baseBytes, perCellBytes }: ContextFit, cells: number): number {
  return Math.ceil(baseBytes + perCellBytes * cells);
}
