import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, startCorral } from '@corral/test-kit';
import { ONE_THREAD, tiny, type Tiny } from '../served.js';
import { asked, startReloadable, type Reloadable } from './reloadable.js';

const LONG = 600_000;
/** Longer than the debounce and the regular look together, on a busy machine too. */
const STILL_MS = 3_000;

let model: Tiny;
let served: Reloadable;

beforeAll(async () => {
  model = await tiny();
  served = await startReloadable({ manifest: { version: 1, models: { one: model.model } }, args: ['--watch'] });
}, LONG);

afterAll(async () => {
  await served?.stop();
  await model?.remove();
}, LONG);

const manifest = (...routes: readonly string[]) => ({ version: 1, models: { one: model.model }, routes: Object.fromEntries(routes.map((name) => [name, { model: 'one' }])) });
const reloads = async () => (await served.status()).reloads;
const still = () => new Promise((resolve) => setTimeout(resolve, STILL_MS));

test('T-123 F-15 five writes in a moment are one reload', async () => {
  for (let n = 1; n <= 5; n += 1) await served.write(manifest(`r${n}`));
  await eventually('the last text is served', 120_000, async () => (await asked(served.url, 'r5')).status === 200);
  await still();
  expect((await reloads()).map(({ status, source }) => [status, source])).toEqual([['ok', 'file_watch']]);
}, LONG);

test('T-123 F-15 another file of the folder causes none', async () => {
  const before = (await reloads()).length;
  await writeFile(join(served.corral.stateDir, 'other.manifest.json'), '{}');
  await writeFile(`${served.manifestPath}.swp`, '{}');
  await still();
  expect((await reloads()).length).toBe(before);
}, LONG);

test('T-123 F-15 a file that is renamed over it is one reload', async () => {
  const before = (await reloads()).length;
  const beside = join(served.corral.stateDir, 'new.json');
  await writeFile(beside, JSON.stringify(manifest('renamed')));
  await rename(beside, served.manifestPath);
  await eventually('it is served', 120_000, async () => (await asked(served.url, 'renamed')).status === 200);
  await still();
  expect((await reloads()).length).toBe(before + 1);
}, LONG);

test('F-15 F-04 G-46 a broken text is told once and changes nothing, and a call at the same moment is a reload of its own', async () => {
  const before = (await reloads()).length;
  await served.write('version: 1\nmodels: [');
  await eventually('it is refused', 120_000, async () => (await reloads())[0]?.status === 'error');
  await still();
  expect([(await reloads()).length, (await asked(served.url, 'renamed')).status]).toEqual([before + 1, 200]);
  await served.write(manifest('both'));
  expect((await served.reload()).status).toBe(200);
  await eventually('the watch reloads too', 120_000, async () => (await reloads()).length === before + 3);
  expect((await reloads()).slice(0, 2).map(({ source }) => source).toSorted()).toEqual(['admin_api', 'file_watch']);
}, LONG);

test('T-123 F-15 F-44 a configuration that is mounted as links is reloaded when the link in its folder is turned', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'corral-mounted-'));
  const mount = async (version: string, text: string): Promise<void> => {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'corral.yaml'), text);
    await symlink(version, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  await mount('..1', JSON.stringify(manifest('first')));
  await symlink(join('..data', 'corral.yaml'), join(folder, 'corral.yaml'));
  const corral = await startCorral({ args: ['--watch', '--manifest', join(folder, 'corral.yaml')], env: ONE_THREAD });
  try {
    expect((await asked(corral.url, 'first')).status).toBe(200);
    await mount('..2', JSON.stringify(manifest('second')));
    await eventually('the second one is served', 120_000, async () => (await asked(corral.url, 'second')).status === 200);
    await rm(join(folder, '..1'), { recursive: true });
    await mount('..3', JSON.stringify(manifest('third')));
    await eventually('the third one is served', 120_000, async () => (await asked(corral.url, 'third')).status === 200);
  } finally {
    await corral.stop();
    await rm(folder, { recursive: true, force: true });
  }
}, LONG);
