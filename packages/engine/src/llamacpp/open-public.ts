import type { LoadModel } from '../worker/run-worker.js';
import { loadModel } from './load-model.js';
import { openLlama } from './open-llama.js';
import type { WorkerArguments } from './worker-arguments.js';

/** Finds the native code, has it tested in another process and loads it; every load reads its file. */
export async function openPublic({ fingerprint, markPath, ...setup }: WorkerArguments): Promise<LoadModel> {
  const llama = await openLlama(setup, markPath);
  return (spec, { onProgress }) => loadModel(llama, spec, { fingerprint, onProgress, loadPath: () => 'public' });
}
