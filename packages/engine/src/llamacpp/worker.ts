import { runWorker } from '../worker/run-worker.js';
import { loadModel } from './load-model.js';
import { openLlama, type LlamaSetup } from './open-llama.js';

interface WorkerArguments extends LlamaSetup {
  readonly fingerprint: string;
}

/** Program of a llama.cpp engine worker. Its one argument is JSON. */
const { fingerprint, ...setup } = JSON.parse(process.argv[2] ?? '{}') as WorkerArguments;

runWorker(async () => {
  const llama = await openLlama(setup);
  return (spec, { onProgress }) => loadModel(llama, spec, { fingerprint, onProgress });
});
