// Makes one model present in a process of its own, and tells its parent what came of it.
import { openCatalog } from '@corral/catalog-core/fs';
import { silentLog, systemClock } from '@corral/service-kit';
import { ALLOW_EVERY_SOURCE, ModelProvisioner } from '../dist/index.js';

const { models, source, digest, web } = JSON.parse(process.argv[2]);

async function fetchOnce() {
  const { store } = await openCatalog(models);
  const inspect = async () => ({ architecture: 'llama', name: null, quant: null, layers: 1, embeddingLength: 8, vocabSize: 16, trainContext: 512, hasChatTemplate: false, memory: {} });
  const provisioner = new ModelProvisioner({ store, inspect, factsKey: '1', policy: ALLOW_EVERY_SOURCE, env: {}, web, clock: systemClock, random: Math.random, log: silentLog });
  try {
    const { entry, fetched } = await provisioner.ensurePresent({ modelId: 'tiny', sources: [source], digest });
    return { code: 'present', digest: entry.digest, bytes: fetched?.bytes ?? 0 };
  } finally {
    await provisioner.close();
    await store.close();
  }
}

const outcome = await fetchOnce().catch(({ code }) => ({ code }));
process.send(outcome, () => process.disconnect());
