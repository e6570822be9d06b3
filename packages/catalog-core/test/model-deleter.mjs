// Registers models with files of their own and deletes them again without a pause, until it is killed.
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCatalog } from '../dist/fs/index.js';

const { store } = await openCatalog(process.argv[2]);
process.send('open');
for (let n = Number(process.argv[3]); ; n += 1) {
  const hex = `${n}`.padStart(64, '0');
  const localPath = join(store.dir, `sha256-${hex}`);
  await writeFile(localPath, 'GGUF');
  await store.put({
    id: `model-${n}`,
    refs: [],
    digest: `sha256:${hex}`,
    localPath,
    external: false,
    sizeBytes: 4,
    modifiedMs: Math.trunc((await stat(localPath)).mtimeMs),
    lifecycle: 'Active',
    verification: { result: 'warn', reason: 'x'.repeat(500) },
    digestGiven: false,
    lastVerifiedMs: n,
    createdMs: n,
    lastUsedMs: null,
    retiredAtMs: null,
    pinned: false,
    tags: [],
    facts: null,
    factsKey: null,
  });
  if (store.list().length > 6) await Promise.all(store.list().slice(0, 5).map(({ id }) => store.delete(id, { rule: 'Pressure' })));
}
