// Provides a model in a folder whose `disk` is a small file system, and prints what came of it.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCatalog } from '@corral/catalog-core/fs';
import { silentLog, systemClock } from '@corral/service-kit';
import { ALLOW_EVERY_SOURCE, ModelProvisioner, WEB_LIMITS } from '../dist/index.js';

const [dir, source] = process.argv.slice(2);
const { store } = await openCatalog(join(dir, 'disk', 'models'));
const env = {
  ...process.env,
  NODE_OPTIONS: '',
  PIP_CONFIG_FILE: '/dev/null',
  PIP_NO_INDEX: '1',
  PIP_FIND_LINKS: join(dir, 'wheels'),
  PIP_NO_CACHE_DIR: '1',
};
const inspect = () => Promise.reject(new Error('not reached'));
const provisioner = new ModelProvisioner({
  store,
  inspect,
  factsKey: '1',
  policy: ALLOW_EVERY_SOURCE,
  env,
  web: WEB_LIMITS,
  clock: systemClock,
  random: Math.random,
  log: silentLog,
});
const outcome = await provisioner.ensurePresent({ modelId: 'tiny', sources: [source], digest: null }).then(
  () => ({ code: 'present' }),
  ({ code, message, retriable }) => ({ code, message, retriable }),
);
await provisioner.close();
await store.close();
console.log(JSON.stringify({ ...outcome, left: readdirSync(join(store.dir, '.partial')), listed: store.list().length }));
