import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import type { PublicLoad } from './public-load.js';

/** One load by node-llama-cpp's public calls, in a process that was initialised before. */
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error });

process.once('message', (message) => void answer(message as PublicLoad));
process.once('disconnect', () => process.exit(0));
process.send?.({ type: 'initialised' });

async function answer({ modelPath, prompt, context: contextSize, slots }: PublicLoad): Promise<void> {
  const startedMs = performance.now();
  const model = await llama.loadModel({ modelPath, gpuLayers: 0, useMmap: true });
  const context = await model.createContext({ sequences: slots, contextSize, threads: 1, batchSize: 512 });
  for await (const _token of context.getSequence().evaluate(model.tokenize(prompt), { temperature: 0 })) break;
  process.send?.({ type: 'first_token', ms: performance.now() - startedMs }, () => process.exit(0));
}
