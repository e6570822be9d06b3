import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { eventually, writeTinyModel } from '@corral/test-kit';
import { processesOf } from '../faults/processes.js';
import { startSystem } from '../faults/served-system.js';
import { call } from '../served.js';
import { entriesOf, indexOf, modelPath, pulled } from './node-catalog.js';

const POOL_MANAGERD = fileURLToPath(new URL('../../../pool-managerd/dist/main.js', import.meta.url));
const KILLS = 4;

test('T-64 D-05 a node that is killed while it registers many models comes back with whole entries, and with all that it had acknowledged', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'corral-many-'));
  const { path } = await writeTinyModel(join(dir, 'm.gguf'));
  const system = await startSystem({ models: {}, poolManagerd: { models: { concurrency: 8 } } });
  const { corral } = system;
  try {
    const acknowledged: string[] = [];
    // The first one has its facts read; the others are made of the same bytes.
    await eventually('the first model is there', 120_000, async () => (await pulled(corral.poolUrl, 'first', `file:${path}`)).status === 200);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const { poolManagerd } = await processesOf(corral);
      const enough = acknowledged.length + 20;
      const ids = Array.from({ length: 200 }, (_, n) => `org/${kill}:${n}`);
      const all = ids.map((id) => pulled(corral.poolUrl, id, `file:${path}`).then(({ status }) => void (status === 200 && acknowledged.push(id)), () => undefined));
      await eventually('some are registered', 120_000, async () => acknowledged.length >= enough);
      process.kill(poolManagerd, 'SIGKILL');
      await Promise.all(all);
      // Whatever was under way: the file on the disk is whole.
      const { schema_version, models } = await indexOf(corral);
      expect([schema_version, models.every(({ id, digest, size_bytes }) => typeof id === 'string' && /^sha256:[0-9a-f]{64}$/.test(String(digest)) && typeof size_bytes === 'number')]).toEqual([1, true]);
      await eventually('the node is back', 120_000, async () => (await call(corral.poolUrl, 'GET', '/v2/catalog/models').catch(() => null))?.status === 200);
    }
    const entries = await entriesOf(corral.poolUrl);
    const known = new Set(entries.map(({ model_id }) => model_id));
    expect(acknowledged.filter((id) => !known.has(id))).toEqual([]);
    expect(entries.filter(({ path: file, verification }) => file !== path || verification.result === 'fail')).toEqual([]);
    expect((await call(corral.poolUrl, 'POST', modelPath('first', '/verify?wait=true'))).status).toBe(200);
  } finally {
    await system.stop();
    await rm(dir, { recursive: true, force: true });
  }
}, 600_000);

test('T-65 D-05 an index of a later version is refused with the next step, and untouched', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'corral-later-'));
  try {
    await mkdir(join(stateDir, 'models'));
    const index = join(stateDir, 'models', 'catalog.json');
    await writeFile(index, '{"schema_version":99,"models":[{"id":"from-the-future"}]}');
    const before = await stat(index);
    const { NODE_OPTIONS: _options, ...env } = process.env;
    const child = spawn(process.execPath, [POOL_MANAGERD], { env: { ...env, CORRAL_STATE_DIR: stateDir, ALLOW_CPU_POOLS: 'true', POOL_MANAGERD_ADDR: '127.0.0.1:0' }, stdio: ['ignore', 'ignore', 'pipe'] });
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const [code] = (await once(child, 'close')) as [number];
    expect([code, said.join('')]).toEqual([1, expect.stringMatching(/catalog\.json has schema_version 99 and this program reads 1; start the program that wrote it, or move the file away/)]);
    const after = await stat(index);
    expect([await readFile(index, 'utf8'), after.mtimeMs, after.ino]).toEqual(['{"schema_version":99,"models":[{"id":"from-the-future"}]}', before.mtimeMs, before.ino]);
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}, 600_000);
