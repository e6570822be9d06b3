import type { Llama } from 'node-llama-cpp';
import { messageOf } from '../message-of.js';
import type { ReplicaSpec } from '../port.js';
import type { TextModel } from '../worker/text-model.js';
import { writeLog } from '../worker/worker-log.js';
import { recall } from './facts-cache.js';
import { loadModel, type LoadHow } from './load-model.js';
import { ReadingOverride } from './reading-override.js';

/**
 * Loads with what is remembered of the file, else as the engine does by itself.
 *
 * Whatever goes wrong with a memory is tried again without it, so that every refusal is the engine's own. [C-152]
 */
export async function loadRemembered(llama: Llama, spec: ReplicaSpec, how: Omit<LoadHow, 'loadPath'> & { readonly rememberedPath: string | null }): Promise<TextModel> {
  const { deviceKind, digest, batchTokens, modelPath } = spec;
  const { fingerprint, rememberedPath } = how;
  const anew = (): Promise<TextModel> => loadModel(llama, spec, { ...how, loadPath: () => 'public' });
  const file = rememberedPath === null || digest === null ? null : recall(rememberedPath, modelPath, { fingerprint, digest, deviceKind, batchTokens });
  if (file === null) return await anew();
  const remembering = async <T>(task: (override: ReadingOverride) => Promise<T>): Promise<T> => {
    const override = new ReadingOverride(file, modelPath);
    try {
      return await task(override);
    } finally {
      override.undo();
    }
  };
  const again = <T>(task: () => Promise<T>): Promise<T> => remembering(task).catch((error: unknown) => retold(error, task));
  return await remembering((override) => loadModel(llama, spec, { ...how, again, loadPath: () => override.loadPath })).catch((error: unknown) => retold(error, anew));
}

async function retold<T>(error: unknown, task: () => Promise<T>): Promise<T> {
  writeLog('info', 'doing it again without what was remembered of the file', { error: messageOf(error) });
  return await task();
}
