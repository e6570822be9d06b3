import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { call } from '../served.js';
import { processesOf } from '../faults/processes.js';
import { startSystem, type System } from '../faults/served-system.js';
import { cacheOf, onDisk, staged } from './staged.js';

let system: System;
let large: Awaited<ReturnType<typeof onDisk>>;

beforeAll(async () => {
  large = await onDisk(400_000_000);
  system = await startSystem({ models: { large: { source: `file:${large.path}`, context: 512, slots: 1 } } });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await large.remove();
});

test('C-223 C-220 a node that is killed while it stages leaves nothing that is seen, cleans up at its next start, and stages whole', async () => {
  const { corral } = system;
  expect((await call(corral.url, 'POST', '/v1/completions', { model: 'large', prompt: 'a', max_tokens: 1 })).status).toBe(200);
  const { path } = await staged(corral, 'large');
  // Its replica maps the copy: without it nothing keeps that one.
  const drained = await call(corral.poolUrl, 'POST', `/v2/pools/${(await poolId()) ?? ''}/drain`, { deadline_ms: 0 });
  expect(drained.status).toBe(202);
  await eventually('the copy is free', 120_000, async () => (await cacheOf(corral)).every(({ leases }) => leases === 0));
  expect((await call(corral.poolUrl, 'DELETE', '/v2/cache/large')).status).toBe(204);
  const { poolManagerd } = await processesOf(corral);
  // Told by the system: on a busy machine a copy may begin and end between two looks.
  const area = watch(dirname(path));
  const isUnderWay = new Promise<void>((resolve) => area.on('change', (_event, name) => void (String(name).startsWith('.partial-') && resolve())));
  expect((await call(corral.url, 'POST', '/v2/catalog/models/large/stage')).status).toBe(202);
  await isUnderWay;
  area.close();
  process.kill(poolManagerd, 'SIGKILL');
  await eventually('another one answers', 120_000, async () => (await processesOf(corral)).poolManagerd !== poolManagerd && (await cacheOf(corral).catch(() => null)) !== null);
  // Its start removed the half; what it copies itself is shown with its progress.
  const names = await readdir(dirname(path));
  const shown = await cacheOf(corral);
  expect(names.some((name) => name.startsWith('.partial-')) && shown.length === 0).toBe(false);
  expect(names.includes(path.slice(path.lastIndexOf('/') + 1)) && shown.length === 0).toBe(false);
  await eventually('the node has the model', 120_000, async () => (await call(corral.url, 'POST', '/v2/catalog/models/large/stage')).status === 202);
  await staged(corral, 'large');
  const digest = async (file: string) => createHash('sha256').update(await readFile(file)).digest('hex');
  expect(await digest(path)).toBe(await digest(large.path));
}, 600_000);

async function poolId(): Promise<string | undefined> {
  return ((await call(system.corral.poolUrl, 'GET', '/v2/pools')).body['data'] as readonly { readonly pool_id: string }[])[0]?.pool_id;
}
