import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { CrashingWriters } from '@corral/test-kit';
import { openCatalog } from '../src/fs/index.js';
import { decodeIndex } from '../src/index.js';

const ROUNDS = 15;

const writers = new CrashingWriters();
const folders: string[] = [];
afterEach(async () => {
  await writers.killAll();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-crash-'));
  folders.push(folder);
  return folder;
}

function start(script: string, ...args: readonly string[]): ChildProcess {
  return writers.start(new URL(script, import.meta.url), args, new URL('../dist/fs/index.js', import.meta.url));
}

test('T-64 D-05 D-07 a writer killed at any moment leaves a whole index with everything it promised', async () => {
  const dir = await aFolder();
  const file = join(dir, 'm.gguf');
  await writeFile(file, 'GGUF');
  const models = join(dir, 'models');
  await mkdir(models);
  let promised: string | null = null;
  for (let round = 0; round < ROUNDS; round += 1) {
    const writer = start('index-writer.mjs', models, file);
    let durable = 0;
    writer.on('message', (message: 'open' | { durable: string }) => {
      if (message === 'open') return;
      durable += 1;
      promised = message.durable;
    });
    await once(writer, 'message');
    await new Promise((resolve) => setTimeout(resolve, 5 + 7 * round));
    // Once at least it gets so far, however slow the disk is.
    while (round === ROUNDS - 1 && durable === 0) await once(writer, 'message');
    await writers.kill(writer);
    const decoded = decodeIndex(
      await readFile(join(models, 'catalog.json'), 'utf8').catch(() => '{"schema_version":1,"models":[]}'),
      models,
    );
    expect(decoded.kind).toBe('index');
    if (decoded.kind === 'index' && durable > 0) expect(decoded.entries.map(({ id }) => id)).toContain(promised);
  }
  expect(promised).not.toBeNull();
  const { store, scan } = await openCatalog(models);
  expect(scan.suspect).toEqual([]);
  expect(await readdir(join(models, '.lock'))).toEqual([String(process.pid)]);
  await store.close();
  expect(await readdir(join(models, '.lock'))).toEqual([]);
});

test('D-35 a deletion killed at any moment leaves no entry without its file, and is finished by the next opening', async () => {
  const dir = await aFolder();
  for (let round = 0; round < 15; round += 1) {
    const deleter = start('model-deleter.mjs', dir, String(round * 1_000_000));
    await once(deleter, 'message');
    await new Promise((resolve) => setTimeout(resolve, 20 + 11 * round));
    await writers.kill(deleter);
    const { store, scan } = await openCatalog(dir);
    expect([scan.suspect, await store.endRemovals()]).toEqual([[], []]);
    // The one whose file was written and whose entry was not, at most.
    expect(scan.unreferenced.length).toBeLessThanOrEqual(1);
    await store.close();
    for (const name of scan.unreferenced) await rm(join(dir, name));
  }
});

test('D-07 one process writes; the next is refused with its pid, and may as soon as the first is killed', async () => {
  const dir = await aFolder();
  const holder = start('lock-holder.mjs', dir);
  expect(await once(holder, 'message')).toEqual(['open', undefined]);
  await expect(openCatalog(dir)).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining(`process ${holder.pid};`) });
  await writers.kill(holder);
  const { store } = await openCatalog(dir);
  await expect(openCatalog(dir)).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining('this process') });
  await store.close();
});

test('D-07 of several processes that start at once at most one gets the catalog', async () => {
  const dir = await aFolder();
  const children = Array.from({ length: 4 }, () => start('lock-holder.mjs', dir));
  const answers = await Promise.all(children.map(async (child) => (await once(child, 'message'))[0] as string));
  expect(answers.filter((answer) => answer === 'open').length).toBeLessThanOrEqual(1);
  expect(answers.filter((answer) => answer !== 'open' && answer !== 'LOCKED')).toEqual([]);
});

test('D-07 claims of an earlier process with the same pid, or of an earlier boot, count for nothing', async () => {
  const dir = await aFolder();
  await mkdir(join(dir, '.lock'));
  await writeFile(join(dir, '.lock', String(process.pid)), JSON.stringify({ pid: process.pid, start: '1', boot: null }));
  await writeFile(join(dir, '.lock', String(process.ppid)), JSON.stringify({ pid: process.ppid, start: null, boot: 'another' }));
  const { store } = await openCatalog(dir);
  expect(await readdir(join(dir, '.lock'))).toEqual([String(process.pid)]);
  await store.close();
});

test('D-07 a claim that is still being written counts as held while its process lives', async () => {
  const dir = await aFolder();
  await mkdir(join(dir, '.lock'));
  await writeFile(join(dir, '.lock', String(process.ppid)), '');
  await expect(openCatalog(dir)).rejects.toMatchObject({ code: 'LOCKED' });
});
