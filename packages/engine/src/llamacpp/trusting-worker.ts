import { messageOf } from '../message-of.js';
import { runWorker, type LoadModel } from '../worker/run-worker.js';
import { writeLog } from '../worker/worker-log.js';
import { loadRemembered } from './load-remembered.js';
import { openDirectly } from './open-directly.js';
import { toEngineError } from './to-engine-error.js';
import { readWorkerArguments, type LoadExtra, type WorkerArguments } from './worker-arguments.js';

/**
 * Program of a llama.cpp engine worker for a binary that was seen to work: one file, made by `build.mjs`. Beside it lies the same worker in
 * its many files, which does what this one cannot: find a binary and test it.
 */
runWorker(() => open(readWorkerArguments()));

async function open(args: WorkerArguments): Promise<LoadModel> {
  const { trusted, fingerprint } = args;
  if (trusted === null) throw new Error('this program needs a binary that was seen to work; it is started with `trusted`');
  try {
    const llama = await openDirectly(args, trusted.binary);
    return (spec, { onProgress, extra }) => loadRemembered(llama, spec, { fingerprint, onProgress, rememberedPath: (extra as LoadExtra).rememberedPath });
  } catch (error) {
    if (trusted.publicModule === null) throw toEngineError(error);
    writeLog('warn', 'the trusted binary did not start; it is tested anew', { error: messageOf(error) });
    const { openPublic } = (await import(trusted.publicModule)) as typeof import('./open-public.js');
    return await openPublic(args);
  }
}
