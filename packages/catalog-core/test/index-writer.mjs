// Registers models without a pause, until it is killed. Every second one is removed again.
import { stat } from 'node:fs/promises';
import { openCatalog } from '../dist/fs/index.js';
import { writtenEntry } from './written-entry.mjs';

const [dir, file] = process.argv.slice(2);
const { store } = await openCatalog(dir);
const { mtimeMs, size } = await stat(file);
process.send('open');
for (let n = store.list().length; ; n += 1) {
  const changes = Array.from({ length: 5 }, (_, k) =>
    store.put(
      writtenEntry(n, {
        id: `model-${n}-${k}`,
        refs: [`file:${file}`],
        digest: `sha256:${'a1'.repeat(32)}`,
        localPath: file,
        external: true,
        sizeBytes: size,
        modifiedMs: Math.trunc(mtimeMs),
        verification: { result: 'warn', reason: 'x'.repeat(2_000) },
      }),
    ),
  );
  await Promise.all(changes);
  if (n % 2 === 1) await store.delete(`model-${n}-0`);
  process.send({ durable: `model-${n}-4` });
}
