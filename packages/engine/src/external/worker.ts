import { runWorker } from '../worker/run-worker.js';
import { workerClock } from '../worker/worker-clock.js';
import { LlamaServerClient } from './llama-server-client.js';
import { LlamaServerModel } from './llama-server-model.js';

/** Program of an engine worker that stands before a running llama-server. */
runWorker(async () => {
  const client = new LlamaServerClient(process.argv[2] ?? '');
  await client.facts();
  return async (spec, { onProgress }) => {
    const model = new LlamaServerModel(client, await client.facts(), spec, workerClock);
    onProgress(1);
    return model;
  };
});
