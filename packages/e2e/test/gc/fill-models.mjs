// Fills a models directory: argv[2], with the models of argv[3], a JSON list of {id, bytes, daysOld, retiredDaysAgo, usedDaysAgo, pinned, sameAs}.
import { createHash } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCatalog } from '../../../catalog-core/dist/fs/index.js';

const [, , dir, list] = process.argv;
const { store } = await openCatalog(dir);
const ago = (days) => (days === undefined ? null : Math.round(Date.now() - days * 86_400_000));
const puts = JSON.parse(list).map(async ({ id, bytes, daysOld = 50, retiredDaysAgo, usedDaysAgo, pinned = false, sameAs = id }) => {
  const hex = createHash('sha256').update(Buffer.alloc(bytes, sameAs)).digest('hex');
  const localPath = join(store.dir, `sha256-${hex}`);
  if (sameAs === id) await writeFile(localPath, Buffer.alloc(bytes, id));
  return {
    id,
    refs: [],
    digest: `sha256:${hex}`,
    localPath,
    external: false,
    sizeBytes: bytes,
    modifiedMs: async () => Math.trunc((await stat(localPath)).mtimeMs),
    lifecycle: retiredDaysAgo === undefined ? 'Active' : 'Retired',
    verification: { result: 'warn', reason: 'no digest was given' },
    digestGiven: false,
    lastVerifiedMs: Date.now(),
    createdMs: ago(daysOld),
    lastUsedMs: ago(usedDaysAgo),
    retiredAtMs: ago(retiredDaysAgo),
    pinned,
    tags: [],
    facts: null,
    factsKey: null,
  };
});
const entries = await Promise.all(puts);
await Promise.all(entries.map(async (entry) => store.put({ ...entry, modifiedMs: await entry.modifiedMs() })));
await store.close();
