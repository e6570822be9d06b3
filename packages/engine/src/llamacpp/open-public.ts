import type { Llama } from 'node-llama-cpp';
import type { LoadModel } from '../worker/run-worker.js';
import { loadModel } from './load-model.js';
import { openDirectly } from './open-directly.js';
import { openLlama } from './open-llama.js';
import { toEngineError } from './to-engine-error.js';
import type { LlamaSetup } from './llama-setup.js';
import type { WorkerArguments } from './worker-arguments.js';

/** Loads the one binary that it has to use, else finds one and has it tested in another process; every load reads its file. */
export async function openPublic({ fingerprint, markPath, trusted, ...setup }: WorkerArguments): Promise<LoadModel> {
  const llama = trusted?.publicModule === null ? await openOnly(setup, trusted.binary) : await openLlama(setup, markPath);
  return (spec, { onProgress }) => loadModel(llama, spec, { fingerprint, onProgress, loadPath: () => 'public' });
}

async function openOnly(setup: LlamaSetup, binary: string): Promise<Llama> {
  try {
    return await openDirectly(setup, binary);
  } catch (error) {
    throw toEngineError(error);
  }
}
