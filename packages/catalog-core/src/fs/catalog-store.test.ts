import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { anEntry } from '../../test/an-entry.js';
import type { CatalogEntry } from '../catalog-entry.js';
import { blobName } from '../digest.js';
import type { Digest } from '../digest.js';
import type { CatalogStore } from './catalog-store.js';
import { openCatalog } from './open-catalog.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-catalog-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  return folder;
}

async function aStore(dir: string): Promise<CatalogStore> {
  const { store } = await openCatalog(dir);
  cleanUp.push(() => store.close());
  return store;
}

/** An entry for a real file of a few bytes. */
async function aFile(path: string, overrides: Partial<CatalogEntry> = {}): Promise<CatalogEntry> {
  await writeFile(path, 'GGUF');
  const { mtimeMs, size } = await stat(path);
  return anEntry({ localPath: path, refs: [`file:${path}`], modifiedMs: Math.trunc(mtimeMs), sizeBytes: size, ...overrides });
}

const digestOf = (byte: string): Digest => `sha256:${byte.repeat(32)}`;

describe('D-04 operations', () => {
  test('D-01 D-04 put, get, list, exists, locate, update, setState, delete, and all of it after a restart', async () => {
    const dir = await aFolder();
    const store = await aStore(join(dir, 'models'));
    const a = await aFile(join(dir, 'a.gguf'), { id: 'a' });
    const b = await aFile(join(dir, 'b.gguf'), { id: 'b' });
    await Promise.all([store.put(a), store.put(b)]);
    await store.update('a', (entry) => ({ ...entry, pinned: true, lastUsedMs: 7 }));
    await store.setState('b', 'Retired', 99);
    await store.setState('b', 'Retired', 100);
    expect([store.exists('a'), store.exists(`file:${dir}/b.gguf`), store.exists('c')]).toEqual([true, true, false]);
    expect(await store.locate(`${dir}//a.gguf`)).toEqual({ ...a, pinned: true, lastUsedMs: 7 });
    await store.close();

    const { store: reopened, scan } = await openCatalog(join(dir, 'models'));
    cleanUp.push(() => reopened.close());
    expect(reopened.list()).toEqual([
      { ...a, pinned: true, lastUsedMs: 7 },
      { ...b, lifecycle: 'Retired', retiredAtMs: 99 },
    ]);
    expect(scan).toEqual({ suspect: [], unreferenced: [], removedPartials: [], endedRemovals: [] });
    expect(await reopened.setState('b', 'Active', 101)).toEqual(b);
    expect(await reopened.delete('b')).toEqual({ deleted: true, freedBytes: 0, fileError: null });
    expect(await reopened.delete('b')).toEqual({ deleted: false, freedBytes: 0, fileError: null });
    expect(reopened.get('b')).toBeNull();
    expect(await readdir(dir)).toEqual(['a.gguf', 'b.gguf', 'models']);
  });

  test('locate looks at the file and writes nothing', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const entry = await store.put(await aFile(join(dir, 'm.gguf')));
    const index = await readFile(join(dir, 'catalog.json'), 'utf8');
    await utimes(entry.localPath, 1, 1);
    expect(await store.locate('tiny')).toEqual(entry);
    await writeFile(entry.localPath, 'GGUF and more');
    expect(await store.locate('tiny')).toBeNull();
    await rm(entry.localPath);
    expect(await store.locate('tiny')).toBeNull();
    expect(store.exists('tiny')).toBe(true);
    expect(await readFile(join(dir, 'catalog.json'), 'utf8')).toBe(index);
  });

  test('unknown ids, a renaming, and use after closing are refused', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    await store.put(await aFile(join(dir, 'm.gguf')));
    await expect(store.update('nobody', (entry) => entry)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.setState('nobody', 'Retired', 1)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(store.update('tiny', (entry) => ({ ...entry, id: 'other' }))).rejects.toMatchObject({ code: 'INVALID_ENTRY' });
    await store.close();
    await expect(store.delete('tiny')).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('D-06 entries stay inside the root', () => {
  test.each<[string, Partial<CatalogEntry>]>([
    ['T-66 an id with ..', { id: '../tiny' }],
    ['a file outside that is not external', { external: false, localPath: '/etc/passwd' }],
    ['a root that is only a prefix', { external: false, localPath: '/tmp/models-other/m.gguf' }],
    ['T-66 a path with ..', { localPath: '/tmp/models/../x.gguf' }],
    ['a relative path', { localPath: 'm.gguf' }],
    ['a digest in upper case', { digest: `sha256:${'AB'.repeat(32)}` }],
    ['a state that contradicts its time', { lifecycle: 'Retired' }],
    ['facts of an unknown engine', { factsKey: '1' }],
  ])('%s is refused', async (_, overrides) => {
    const store = await aStore(await aFolder());
    await expect(store.put(anEntry(overrides))).rejects.toMatchObject({ code: 'INVALID_ENTRY' });
    expect(store.list()).toEqual([]);
  });

  test('a file that is missing or has another size is refused', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const entry = await aFile(join(dir, 'm.gguf'));
    await expect(store.put({ ...entry, sizeBytes: 5 })).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringContaining('4 bytes instead of 5'),
    });
    await expect(store.put({ ...entry, localPath: join(dir, 'n.gguf') })).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  test('delete removes own files, keeps shared ones until the last entry goes, and never touches external ones', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const own = await aFile(join(store.dir, blobName(digestOf('ab'))), { id: 'one', external: false, digest: digestOf('ab') });
    await Promise.all([store.put(own), store.put({ ...own, id: 'two' })]);
    expect(await store.delete('one')).toEqual({ deleted: true, freedBytes: 0, fileError: null });
    expect(await store.delete('two')).toEqual({ deleted: true, freedBytes: 4, fileError: null });
    expect((await readdir(dir)).sort()).toEqual(['.lock', 'catalog.json']);
  });

  test('D-35 a removal that a crash cut short is ended by whoever opens the catalog next', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const own = await aFile(join(store.dir, blobName(digestOf('ab'))), { id: 'begun', external: false, digest: digestOf('ab') });
    const other = await aFile(join(store.dir, blobName(digestOf('cd'))), { id: 'shared', external: false, digest: digestOf('cd') });
    await Promise.all([store.put(own), store.put(other), store.put({ ...other, id: 'stays' })]);
    await store.close();
    const index = await readFile(join(dir, 'catalog.json'), 'utf8');
    const marked = index.split('\n').map((line) => (/"id":"(begun|shared)"/.test(line) ? line.replace(/}(,?)$/, ',"removing":"Purge"}$1') : line)).join('\n');
    await writeFile(join(dir, 'catalog.json'), marked);

    const { store: reopened, scan } = await openCatalog(dir);
    cleanUp.push(() => reopened.close());
    expect(scan).toEqual({ suspect: [], unreferenced: [], removedPartials: [], endedRemovals: [
      { id: 'begun', digest: own.digest, rule: 'Purge', deleted: true, freedBytes: 4, fileError: null },
      { id: 'shared', digest: other.digest, rule: 'Purge', deleted: true, freedBytes: 0, fileError: null },
    ] });
    expect(reopened.list()).toEqual([{ ...other, id: 'stays' }]);
    expect((await readdir(dir)).sort()).toEqual(['.lock', 'catalog.json', blobName(digestOf('cd'))].sort());
  });

  test('D-35 what is being removed is seen by nobody, and a model that is registered meanwhile keeps its file', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const own = await aFile(join(store.dir, blobName(digestOf('ab'))), { external: false, digest: digestOf('ab') });
    await store.put(own);
    const removal = store.delete('tiny');
    const again = store.put(own);
    expect([await removal, await again]).toEqual([{ deleted: false, freedBytes: 0, fileError: null }, own]);
    expect(await store.locate('tiny')).toEqual(own);
  });

  test('D-36 a use is seen at once, costs no write of its own, and is on disk after a flush or a close', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const entry = await store.put(await aFile(join(dir, 'm.gguf')));
    const usedIn = async () => /"last_used_ms":(null|\d+)/.exec(await readFile(join(dir, 'catalog.json'), 'utf8'))?.[1];
    const { revision } = store;
    await store.noteUsed(new Map([['tiny', 7], ['nobody', 8]]));
    await store.noteUsed(new Map([['tiny', 6]]));
    expect([store.get('tiny'), store.revision, await usedIn()]).toEqual([{ ...entry, lastUsedMs: 7 }, revision + 1, 'null']);
    await store.flush();
    expect(await usedIn()).toBe('7');
    await store.noteUsed(new Map([['tiny', 9]]));
    await store.close();
    expect(await usedIn()).toBe('9');
  });

  test('a file that cannot be removed is reported, and the index stays right', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const own = await store.put(await aFile(join(store.dir, 'm.gguf'), { external: false }));
    await rm(own.localPath);
    await mkdir(own.localPath);
    expect(await store.delete('tiny')).toEqual({ deleted: true, freedBytes: 0, fileError: expect.stringContaining('m.gguf') });
    expect(await readFile(join(dir, 'catalog.json'), 'utf8')).toBe('{"schema_version":1,"models":[\n\n]}\n');
  });
});

describe('D-05 the index', () => {
  test.each([
    ['T-65 of a future version', '{"schema_version":2,"models":[]}', 'INCOMPATIBLE_INDEX', /schema_version 2 .* reads 1; /],
    ['that is not JSON', '{"schema_version":1,', 'MALFORMED_INDEX', /catalog\.json cannot be read: .*; restore/],
  ])('%s is refused, untouched, and not left locked', async (_, text, code, message) => {
    const dir = await aFolder();
    await writeFile(join(dir, 'catalog.json'), text);
    await mkdir(join(dir, '.partial'));
    await expect(openCatalog(dir)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await readFile(join(dir, 'catalog.json'), 'utf8')).toBe(text);
    await writeFile(join(dir, 'catalog.json'), '{"schema_version":1,"models":[]}');
    await aStore(dir);
  });

  test('a write that fails rejects the change and keeps what was there', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const entry = await store.put(await aFile(join(dir, 'm.gguf')));
    const index = await readFile(join(dir, 'catalog.json'), 'utf8');
    await symlink('/dev/full', join(store.dir, '.catalog.json.tmp'));
    await expect(store.update('tiny', (before) => ({ ...before, pinned: true }))).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      message: expect.stringContaining('ENOSPC'),
      cause: expect.objectContaining({ code: 'ENOSPC' }),
    });
    expect(store.get('tiny')).toEqual(entry);
    expect(await readFile(join(dir, 'catalog.json'), 'utf8')).toBe(index);
    expect(await store.update('tiny', (before) => ({ ...before, pinned: true }))).toEqual({ ...entry, pinned: true });
  });

  test('simultaneous changes of one entry are all kept', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    await store.put(await aFile(join(dir, 'm.gguf')));
    await Promise.all(
      Array.from({ length: 200 }, (_, n) => store.update('tiny', (entry) => ({ ...entry, tags: [...entry.tags, String(n)] }))),
    );
    expect(store.get('tiny')?.tags).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
  });

  test('a failed change in a batch does not fail its neighbours', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const good = await aFile(join(dir, 'm.gguf'));
    const outcomes = await Promise.allSettled([
      store.put({ ...good, id: 'a' }),
      store.put({ ...good, id: '..' }),
      store.put({ ...good, id: 'b' }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(store.list().map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('ten thousand entries are registered, changed and opened within a minute', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const entry = await aFile(join(dir, 'm.gguf'));
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => store.put({ ...entry, id: `model-${n}` })));
    for (let n = 0; n < 5; n += 1) await store.update(`model-${n}`, (before) => ({ ...before, lastUsedMs: n }));
    await store.close();
    const { store: reopened, scan } = await openCatalog(dir);
    cleanUp.push(() => reopened.close());
    expect([reopened.list().length, scan.suspect.length, reopened.get('model-4')?.lastUsedMs]).toEqual([10_000, 0, 4]);
    expect(performance.now() - startedMs).toBeLessThan(60_000);
  });
});

describe('D-24 unfinished files', () => {
  test('a partial file becomes visible only by publishing, under the name of its digest', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const folder = await store.createPartialFolder();
    await writeFile(join(folder, 'm.gguf'), 'GGUF');
    expect((await readdir(dir)).sort()).toEqual(['.lock', '.partial']);
    const path = await store.publish(join(folder, 'm.gguf'), digestOf('cd'));
    expect(path).toBe(join(store.dir, `sha256-${'cd'.repeat(32)}`));
    expect(await readFile(path, 'utf8')).toBe('GGUF');
    expect(await readdir(folder)).toEqual([]);
  });

  test('opening removes orphaned partial files and reports what does not add up', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    await store.put(await aFile(join(dir, 'gone.gguf'), { id: 'gone' }));
    await store.put(await aFile(join(dir, 'grown.gguf'), { id: 'grown' }));
    await store.put(await aFile(join(dir, 'fine.gguf'), { id: 'fine' }));
    const partial = await store.createPartialFolder();
    await writeFile(join(partial, 'half'), 'GG');
    await writeFile(join(dir, `sha256-${'ef'.repeat(32)}`), 'orphan');
    await store.close();
    await rm(join(dir, 'gone.gguf'));
    await writeFile(join(dir, 'grown.gguf'), 'GGUF GGUF');

    const { store: reopened, scan } = await openCatalog(dir);
    cleanUp.push(() => reopened.close());
    expect(scan).toEqual({
      suspect: [
        { id: 'gone', check: { kind: 'missing', reason: expect.stringContaining('ENOENT') } },
        { id: 'grown', check: { kind: 'resized', sizeBytes: 9 } },
      ],
      unreferenced: [`sha256-${'ef'.repeat(32)}`],
      removedPartials: [expect.stringMatching(/^fetch-/)],
      endedRemovals: [],
    });
    expect(await readdir(join(dir, '.partial'))).toEqual([]);
    expect(reopened.list().map(({ id }) => id)).toEqual(['gone', 'grown', 'fine']);
  });

  test('D-50 a resumable folder is the same for the same source, for one fetch at a time, and outlives the process', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    const folder = await store.openResumableFolder('https://host/m.gguf');
    await expect(store.openResumableFolder('https://host/m.gguf')).rejects.toMatchObject({ code: 'LOCKED' });
    await store.removeResumableFolder('https://host/m.gguf');
    await writeFile(join(folder.path, 'half'), 'GG');
    await folder.release('keep');
    await store.close();

    const { store: reopened, scan } = await openCatalog(dir);
    cleanUp.push(() => reopened.close());
    expect(scan.removedPartials).toEqual([]);
    const again = await reopened.openResumableFolder('https://host/m.gguf');
    expect([again.path, await readdir(again.path)]).toEqual([folder.path, ['half']]);
    await again.release('remove');
    expect(await readdir(join(dir, '.partial'))).toEqual([]);
  });

  test('D-50 what nobody goes on with is removed: too old at the next start, or one too many', async () => {
    const dir = await aFolder();
    const store = await aStore(dir);
    for (let n = 0; n < 70; n += 1) {
      const folder = await store.openResumableFolder(`https://host/${n}.gguf`);
      await utimes(folder.path, 1_000 + n, 1_000 + n);
      await folder.release('keep');
    }
    expect((await readdir(join(dir, '.partial'))).length).toBeLessThanOrEqual(65);
    await (await store.openResumableFolder('https://host/69.gguf')).release('keep');
    await store.removeResumableFolder('https://host/69.gguf');
    await store.close();
    const { store: reopened } = await openCatalog(dir, { resumableSinceMs: 1_067_000 });
    cleanUp.push(() => reopened.close());
    expect(await readdir(join(dir, '.partial'))).toHaveLength(2);
  });
});
