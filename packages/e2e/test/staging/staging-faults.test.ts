import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { processesOf } from '../faults/processes.js';
import { startSystem, type System } from '../faults/served-system.js';
import { call, tiny, type Answer, type Tiny } from '../served.js';
import { cacheOf, onDisk, staged } from './staged.js';

const LONG_MS = 600_000;
const LARGE_BYTES = 600_000_000;
/** Room for the small one, and not for the large one. */
const AREA_BYTES = 50_000_000;

let small: Tiny;
let system: System | undefined;

beforeAll(async () => {
  small = await tiny();
});

afterEach(async () => {
  await system?.stop();
  system = undefined;
}, 600_000);

afterAll(async () => {
  await small.remove();
});

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

interface InstanceSeen {
  readonly residency: string;
  readonly is_ready: boolean;
  readonly last_error: string | null;
}

const instance = async ({ corral }: System, id: string): Promise<InstanceSeen> => (await call(corral.url, 'GET', `/api/orgs/default/instances/${id}`)).body as unknown as InstanceSeen;
const create = ({ corral }: System, body: object): Promise<Answer> => call(corral.url, 'POST', '/api/orgs/default/instances', body);
const load = ({ corral }: System, id: string): Promise<Answer> => call(corral.url, 'POST', `/api/orgs/default/instances/${id}/load`);
const answered = async ({ corral }: System, model: string): Promise<number> => (await call(corral.url, 'POST', '/v1/completions', { model, prompt: 'a', max_tokens: 1 })).status;

test('T-221 a node that is killed while it loads an instance loads it again when it is back', async () => {
  const large = await onDisk(LARGE_BYTES);
  try {
    const running = (system = await startSystem({ models: { large: { source: `file:${large.path}`, context: 512, slots: 1 } } }));
    const { poolManagerd } = await processesOf(running.corral);
    expect((await create(running, { instance_id: 'held', model: 'large' })).status).toBe(201);
    expect((await load(running, 'held')).status).toBe(202);
    await eventually('it is loading', 120_000, async () => (await instance(running, 'held')).residency === 'loading');
    process.kill(poolManagerd, 'SIGKILL');
    await eventually('it is loaded', 120_000, async () => (await instance(running, 'held').catch(() => null))?.is_ready);
    expect((await processesOf(running.corral)).poolManagerd).not.toBe(poolManagerd);
    expect(await answered(running, 'held')).toBe(200);
  } finally {
    await large.remove();
  }
}, LONG_MS);

test('T-222 T-113 what is larger than the staging area loads from the disk and says so; what fits is staged beside it', async () => {
  const large = await onDisk(2 * AREA_BYTES);
  try {
    const running = (system = await startSystem({ models: { large: { source: `file:${large.path}`, context: 512, slots: 1 }, small: small.model }, poolManagerd: { stage: { max_bytes: AREA_BYTES } } }));
    expect((await create(running, { instance_id: 'big', model: 'large', tier: 'warm' })).status).toBe(201);
    expect((await create(running, { instance_id: 'little', model: 'small', tier: 'warm' })).status).toBe(201);
    await eventually('the small one is staged', 120_000, async () => (await instance(running, 'little')).residency === 'staged');
    const { last_error: why } = await eventually('the large one says why it is not', 120_000, async () => {
      const seen = await instance(running, 'big');
      return seen.last_error !== null && seen;
    });
    expect(why).toMatch(/staging area/);
    expect((await call(running.corral.url, 'POST', '/v2/catalog/models/large/stage')).body['code']).toBe('STAGE_TOO_LARGE');
    expect((await call(running.corral.url, 'POST', '/api/orgs/default/instances/big/load', { tier: 'cold' })).status).toBe(202);
    await eventually('it is loaded', 120_000, async () => (await instance(running, 'big')).is_ready);
    expect(await answered(running, 'big')).toBe(200);
    // A copy for the next load is tried, and turned down as well.
    const held = async () => (await cacheOf(running.corral)).map(({ model_id, state }) => `${model_id} ${state}`).join();
    await eventually('the small one alone is staged', 120_000, async () => (await held()) === 'small staged').catch(async () => expect(await held()).toBe('small staged'));
  } finally {
    await large.remove();
  }
}, LONG_MS);

test('T-223 a file that is cut short while it is staged is never staged, and its instance says why', async () => {
  const large = await onDisk(LARGE_BYTES);
  // A file that is named by its digest is no other one because its bytes changed.
  const digest = await digestOf(large.path);
  try {
    const running = (system = await startSystem({ models: { large: { source: `file:${large.path}`, digest, context: 512, slots: 1 }, small: small.model } }));
    // Known before: the copy takes a second, and on a busy machine the search for a process may as well.
    const { poolManagerd } = await processesOf(running.corral);
    expect((await create(running, { instance_id: 'cut', model: 'large', tier: 'warm' })).status).toBe(201);
    await eventually('it is being copied', 120_000, async () => (await cacheOf(running.corral)).some(({ state }) => state === 'staging'));
    process.kill(poolManagerd, 'SIGSTOP');
    await truncate(large.path, LARGE_BYTES / 3);
    process.kill(poolManagerd, 'SIGCONT');
    await eventually('the copy is given up', 120_000, async () => (await cacheOf(running.corral).catch(() => null))?.length === 0);
    const { last_error: why } = await eventually('it says why', 120_000, async () => {
      const seen = await instance(running, 'cut');
      return seen.last_error !== null && seen;
    });
    expect(why).toMatch(/size|bytes|digest|short/);
    // The daemon and what else it has go on.
    expect(await answered(running, 'small')).toBe(200);
    await staged(running.corral, 'small');
    expect((await processesOf(running.corral)).poolManagerd).toBe(poolManagerd);
  } finally {
    await large.remove();
  }
}, LONG_MS);
