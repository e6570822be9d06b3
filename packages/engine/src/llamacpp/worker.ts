import { openLlama, type LlamaSetup } from './open-llama.js';

interface WorkerArguments extends LlamaSetup {
  readonly fingerprint: string;
}

/** Program of a llama.cpp engine worker. Its one argument is JSON. */
const { fingerprint, ...setup } = JSON.parse(process.argv[2] ?? '{}') as WorkerArguments;
const opening = openLlama(setup).catch((error: unknown) => ({ error }));
// The native code tests itself in another process for a while: the rest is loaded meanwhile.
const [{ runWorker }, { loadModel }] = await Promise.all([import('../worker/run-worker.js'), import('./load-model.js')]);
const llama = await opening;
runWorker(async (spec, onProgress) => {
  if ('error' in llama) throw llama.error;
  return await loadModel(llama, spec, { fingerprint, onProgress });
});
