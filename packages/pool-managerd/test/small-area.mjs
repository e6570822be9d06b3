// Runs in a mount namespace where argv[2] is a small tmpfs: stages argv[3] there and prints what came of it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { stageFile } from '@corral/pool-managerd';

const [, , dir, path] = process.argv;
const digest = `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
const code = await stageFile({ modelId: 'large', digest, path, sizeBytes: statSync(path).size }, dir, { signal: new AbortController().signal, onProgress: () => {} }).then(
  () => null,
  (error) => error.code,
);
process.stdout.write(JSON.stringify({ code, left: readdirSync(dir) }));
