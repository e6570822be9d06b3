import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { EngineEntry } from '../engine-entry.js';
import { openEngines } from './engine-store.js';
import type { EngineStore } from './engine-store.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-engines-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  return folder;
}

async function opened(dir: string): Promise<{ readonly store: EngineStore; readonly removed: readonly string[] }> {
  const engines = await openEngines(dir);
  cleanUp.push(() => engines.store.close());
  return engines;
}

function anEngine(changes: Partial<EngineEntry> = {}): EngineEntry {
  return {
    id: 'a',
    engine: 'llamacpp',
    version: '3.22.1',
    buildRef: 'v0.5.0',
    digest: `sha256:${'ab'.repeat(32)}`,
    buildFlags: ['GGML_NATIVE=ON'],
    artifacts: [{ path: 'bins/addon.node', sizeBytes: 5, digest: `sha256:${'cd'.repeat(32)}` }],
    createdMs: 1,
    mode: 'source',
    location: '/elsewhere',
    inPlace: true,
    deviceKinds: ['cpu'],
    chosenFor: [],
    gain: { against: 'b', prefill: 1.2, decode: 0.9, threads: 1, measuredMs: 7 },
    verification: { result: 'warn', reason: 'no digest was given' },
    lastVerifiedMs: 2,
    state: 'Active',
    retiredAtMs: null,
    pinned: false,
    lastUsedMs: null,
    ...changes,
  };
}

async function aPrepared(store: EngineStore): Promise<string> {
  const folder = await store.createPartialFolder();
  await mkdir(join(folder, 'bins'));
  await writeFile(join(folder, 'bins', 'addon.node'), 'addon');
  return folder;
}

test('D-11 D-70 a published bundle has its folder and its entry, and all of it after a restart', async () => {
  const dir = await aFolder();
  const { store } = await opened(dir);
  const published = await store.publish(await aPrepared(store), anEngine());
  expect(published).toEqual(anEngine({ location: join(dir, 'a'), inPlace: false }));
  await store.put(anEngine({ id: 'b', mode: 'package' }));
  await store.put(anEngine({ id: 'c', mode: 'external', digest: null, artifacts: [], location: 'http://127.0.0.1:1', gain: null }));
  await store.close();
  const again = await opened(dir);
  expect(again.store.list()).toEqual([published, anEngine({ id: 'b', mode: 'package' }), anEngine({ id: 'c', mode: 'external', digest: null, artifacts: [], location: 'http://127.0.0.1:1', gain: null })]);
  expect(await readFile(join(dir, 'a', 'bins', 'addon.node'), 'utf8')).toBe('addon');
  expect(JSON.parse(await readFile(join(dir, 'engines.json'), 'utf8'))).toMatchObject({ schema_version: 1, engines: [{ id: 'a', location: 'a' }, { location: '/elsewhere' }, {}] });
});

test('D-74 a kind of device has one bundle', async () => {
  const { store } = await opened(await aFolder());
  await store.put(anEngine({ id: 'a', chosenFor: ['cpu', 'vulkan'] }));
  await store.put(anEngine({ id: 'b' }));
  await store.choose('b', 'cpu');
  expect(store.list().map(({ id, chosenFor }) => [id, chosenFor])).toEqual([['a', ['vulkan']], ['b', ['cpu']]]);
  await expect(store.choose('x', 'cpu')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('D-71 what a crash left is removed, what lies elsewhere is not', async () => {
  const [dir, elsewhere] = [await aFolder(), await aFolder()];
  const { store } = await opened(dir);
  await store.put(anEngine({ id: 'b', location: elsewhere }));
  await store.publish(await aPrepared(store), anEngine());
  await aPrepared(store);
  await mkdir(join(dir, 'renamed-but-not-written'));
  await store.close();
  const { store: next, removed } = await opened(dir);
  expect([removed.length, removed.at(-1), (await readdir(dir)).filter((name) => !name.startsWith('.')).toSorted(), await readdir(join(dir, '.partial'))]).toEqual([2, 'renamed-but-not-written', ['a', 'engines.json'], []]);
  expect([await next.delete('a'), await next.delete('b'), await next.delete('b')]).toEqual([
    { deleted: true, freedBytes: 5, fileError: null },
    { deleted: true, freedBytes: 0, fileError: null },
    { deleted: false, freedBytes: 0, fileError: null },
  ]);
  expect([await readdir(elsewhere), (await readdir(dir)).includes('a')]).toEqual([[], false]);
});

test.each([
  ['INCOMPATIBLE_INDEX', '{"schema_version":2,"engines":[]}'],
  ['MALFORMED_INDEX', '{"schema_version":1,"engines":[{"id":"../x"}]}'],
  ['MALFORMED_INDEX', '{"schema_version":1'],
])('D-11 %s: the index is refused and left alone', async (code, text) => {
  const dir = await aFolder();
  await writeFile(join(dir, 'engines.json'), text);
  await expect(openEngines(dir)).rejects.toMatchObject({ code });
  expect(await readFile(join(dir, 'engines.json'), 'utf8')).toBe(text);
});

test('D-70 an id that is taken or is none is refused', async () => {
  const { store } = await opened(await aFolder());
  await store.publish(await aPrepared(store), anEngine());
  for (const id of ['a', '../a', 'A', '', 'a..b']) await expect(store.publish(await aPrepared(store), anEngine({ id }))).rejects.toMatchObject({ code: 'INVALID_ENTRY' });
  expect(store.list().map(({ id }) => id)).toEqual(['a']);
});
