// Registers models with files of their own and deletes them again without a pause, until it is killed.
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCatalog } from '../dist/fs/index.js';
import { writtenEntry } from './written-entry.mjs';

const { store } = await openCatalog(process.argv[2]);
process.send('open');
for (let n = Number(process.argv[3]); ; n += 1) {
  const hex = `${n}`.padStart(64, '0');
  const localPath = join(store.dir, `sha256-${hex}`);
  await writeFile(localPath, 'GGUF');
  await store.put(
    writtenEntry(n, {
      id: `model-${n}`,
      digest: `sha256:${hex}`,
      localPath,
      external: false,
      sizeBytes: 4,
      modifiedMs: Math.trunc((await stat(localPath)).mtimeMs),
    }),
  );
  if (store.list().length > 6) await Promise.all(store.list().slice(0, 5).map(({ id }) => store.delete(id, { rule: 'Pressure' })));
}
