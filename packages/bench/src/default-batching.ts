import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

export interface DefaultBatching {
  decode(count: number, tokens: number): Promise<number>;
  close(): Promise<void>;
}

/** node-llama-cpp as it comes: its own batching strategy, a sequence per stream, no limit beyond threads. */
export async function openDefaultBatching(modelPath: string, options: { readonly sequences: number; readonly context: number; readonly threads: number }): Promise<DefaultBatching> {
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: options.threads, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
  const context = await model.createContext({ sequences: options.sequences, contextSize: options.context, threads: options.threads, batchSize: 512 });
  const sequences = Array.from({ length: options.sequences }, () => context.getSequence());
  return {
    decode: async (count, tokens) => {
      let firstMs = Infinity;
      let made = 0;
      await Promise.all(
        sequences.slice(0, count).map(async (sequence, n) => {
          await sequence.clearHistory();
          let left = tokens;
          for await (const _token of sequence.evaluate(model.tokenize(promptOf(n)), { temperature: 0 })) {
            made += 1;
            firstMs = Math.min(firstMs, performance.now());
            left -= 1;
            if (left === 0) break;
          }
        }),
      );
      return ((made - count) / (performance.now() - firstMs)) * 1_000;
    },
    close: () => llama.dispose(),
  };
}

/** Texts that a small model goes on with for long. */
export function promptOf(n: number): string {
  return `Chapter ${n + 1}. Once upon a time, in a village by the sea, there lived`;
}
