import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, startHub, writeTinyModel, type Hub } from '@corral/test-kit';
import { call } from '../served.js';
import { completed } from './answers.js';
import { processesOf } from './processes.js';
import { atRest, startSystem } from './served-system.js';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const MODEL_BYTES = 14_000_000;
const KILLS = 4;

/** Mount namespaces need a privilege that some containers withhold. */
const canMount = await run('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/tmp']).then(
  () => true,
  () => false,
);

let dir: string;
let hub: Hub;
let bytes: Buffer;
let digest: string;
const small = () => ({ source: `file:${join(dir, 'small.gguf')}`, context: 512, slots: 2 });
const fetched = () => ({ source: `${hub.url}/large.gguf`, digest, context: 512, slots: 1 });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-fetch-'));
  await writeTinyModel(join(dir, 'small.gguf'), { endless: true });
  const { path } = await writeTinyModel(join(dir, 'large.gguf'), { mode: 'chain', sizeBytes: MODEL_BYTES });
  bytes = await readFile(path);
  digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  hub = await startHub();
  hub.put('large.gguf', bytes);
}, 600_000);

afterAll(async () => {
  await hub.close();
  await rm(dir, { recursive: true, force: true });
});

test('T-212 D-50 a fetch through broken connections and kills of the node ends in the right bytes, and the model answers', async () => {
  // Answers end early, each a little later than the one before, and come slowly enough for a kill to meet them.
  let answers = 0;
  hub.misbehave(({ method }) => {
    if (method !== 'GET') return null;
    answers += 1;
    return answers % 3 === 0 ? { kind: 'cut', afterBytes: 200_000 * answers } : { kind: 'slow', bytesPerS: 400_000 };
  });
  const system = await startSystem({ models: { small: small(), fetched: fetched() }, orchestratord: { demand_load_wait_ms: 600_000 }, poolManagerd: { fetch: { checkpoint_bytes: 20_000, segment_bytes: 2_000_000 } } });
  try {
    const answer = completed(system.corral.url, { model: 'fetched', prompt: 'x', max_tokens: 4, temperature: 0 });
    let seen = 0;
    for (let n = 0; n < KILLS; n += 1) {
      await eventually('the fetch goes on', 120_000, async () => hub.requests.length > seen);
      await new Promise((resolve) => setTimeout(resolve, 500));
      seen = hub.requests.length;
      // What the last kill leaves to do comes at full speed.
      if (n === KILLS - 1) hub.misbehave(() => null);
      process.kill((await processesOf(system.corral)).poolManagerd, 'SIGKILL');
      // Whatever it serves beside goes on once it is back.
      await eventually('another model answers', 120_000, async () => (await call(system.corral.url, 'POST', '/v1/completions', { model: 'small', prompt: 'x', max_tokens: 1 })).status === 200);
    }
    expect(await answer).not.toBe('');
    const models = join(system.corral.stateDir, 'models');
    const [blob, ...more] = (await readdir(models)).filter((name) => name.startsWith('sha256-'));
    expect({ blob, more }).toEqual({ blob: digest.replace(':', '-'), more: [] });
    expect(createHash('sha256').update(await readFile(join(models, blob ?? ''))).digest('hex')).toBe(digest.slice('sha256:'.length));
    const left = (await readdir(models, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && entry.parentPath !== models && !entry.parentPath.endsWith('.lock'));
    expect(left.map(({ name, parentPath }) => join(parentPath, name))).toEqual([]);
    // Not from the beginning each time: most requests ask for a part that begins later.
    expect(hub.requests.filter(({ range }) => range !== null && !range.startsWith('bytes=0-')).length).toBeGreaterThanOrEqual(KILLS);
    await atRest(system);
  } finally {
    hub.misbehave(() => null);
    await system.stop();
  }
}, 600_000);

(canMount ? test : test.skip)('T-211 D-23 a disk that is too small is told with the numbers, nothing is left, and another model goes on', async () => {
  const disk = join(dir, 'disk');
  await mkdir(disk);
  const inNamespace = 'mount -t tmpfs -o size=8m none "$1" && shift && exec "$@"';
  const system = await startSystem({
    models: { small: small(), fetched: fetched() },
    env: { MODELS_DIR: disk },
    command: ['unshare', '-rm', 'sh', '-c', inNamespace, 'sh', disk, process.execPath, CLI, 'up'],
  });
  try {
    const refused = await call(system.corral.url, 'POST', '/v1/completions', { model: 'fetched', prompt: 'x', max_tokens: 1 });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'MODEL_NOT_AVAILABLE', message: expect.stringMatching(/no space|disk|free/i) } } });
    expect(JSON.stringify(refused.body)).toMatch(/M(i)?B/);
    expect(await completed(system.corral.url, { model: 'small', prompt: 'x', max_tokens: 2 })).not.toBe('');
    const { poolManagerd } = await processesOf(system.corral);
    const onDisk = await readdir(join(`/proc/${poolManagerd}/root`, disk), { recursive: true, withFileTypes: true });
    expect(onDisk.filter((entry) => entry.isFile()).map(({ name }) => name).filter((name) => name !== 'catalog.json' && !/^\d+$/.test(name))).toEqual([]);
    await atRest(system);
  } finally {
    await system.stop();
  }
}, 600_000);
