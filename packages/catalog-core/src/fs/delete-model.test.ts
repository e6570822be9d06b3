import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { anEntry } from '../../test/an-entry.js';
import type { CatalogEntry } from '../catalog-entry.js';
import { blobName } from '../digest.js';
import type { Digest } from '../digest.js';
import { encodeEntry, encodeIndex } from '../index-document.js';
import { openCatalog } from './open-catalog.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-delete-'));
  cleanUp.push(() => rm(folder, { recursive: true }));
  return folder;
}

async function opened(dir: string) {
  const catalog = await openCatalog(dir);
  cleanUp.push(() => catalog.store.close());
  return catalog;
}

/** An entry with a file of its own in `dir`. */
async function ownFile(dir: string, byte: string, over: Partial<CatalogEntry> = {}): Promise<CatalogEntry> {
  const digest: Digest = `sha256:${byte.repeat(32)}`;
  const localPath = join(dir, blobName(digest));
  await writeFile(localPath, 'GGUF');
  return anEntry({ id: `m-${byte}`, digest, localPath, external: false, modifiedMs: Math.trunc((await stat(localPath)).mtimeMs), ...over });
}

const blobs = async (dir: string) => (await readdir(dir)).filter((name) => name.startsWith('sha256-'));

describe('D-35 deleting a model', () => {
  test('the mark is durable before the file goes, and nobody sees a marked entry', async () => {
    const dir = await aFolder();
    const { store } = await opened(dir);
    const entry = await store.put(await ownFile(dir, 'ab'));
    const seen: unknown[] = [];
    const mayGo = () => {
      seen.push([store.get(entry.id) === null, store.list().length, store.exists(entry.id)]);
      return true;
    };
    expect(await store.delete(entry.id, { rule: 'Pressure', mayGo })).toEqual({ deleted: true, freedBytes: 4, fileError: null });
    expect(seen).toEqual([
      [false, 1, true],
      [true, 0, false],
    ]);
    expect([await blobs(dir), await readFile(join(dir, 'catalog.json'), 'utf8')]).toEqual([[], encodeIndex([])]);
  });

  test('a model that comes into use between mark and removal stays as it was, durably', async () => {
    const dir = await aFolder();
    const { store } = await opened(dir);
    const entry = await store.put(await ownFile(dir, 'ab'));
    const before = await readFile(join(dir, 'catalog.json'), 'utf8');
    let asked = 0;
    expect(await store.delete(entry.id, { mayGo: () => (asked += 1) === 1 })).toEqual({ deleted: false, freedBytes: 0, fileError: null });
    expect([store.get(entry.id), await blobs(dir), await readFile(join(dir, 'catalog.json'), 'utf8')]).toEqual([entry, [blobName(entry.digest)], before]);
  });

  test('a model that is registered anew between mark and removal stays', async () => {
    const dir = await aFolder();
    const { store } = await opened(dir);
    const entry = await store.put(await ownFile(dir, 'ab'));
    const [removal] = await Promise.all([store.delete(entry.id), store.put({ ...entry, tags: ['new'] })]);
    expect([removal.deleted, store.get(entry.id)?.tags, await blobs(dir)]).toEqual([false, ['new'], [blobName(entry.digest)]]);
  });

  test('an opening finishes what a crash interrupted, and says so: file still there, file gone, file shared', async () => {
    const dir = await aFolder();
    const there = { ...(await ownFile(dir, 'aa')), removing: 'DeleteRetired' as const };
    const gone = { ...(await ownFile(dir, 'bb')), removing: 'Pressure' as const };
    await rm(gone.localPath);
    const shared = await ownFile(dir, 'cc');
    const sharer = { ...shared, id: 'sharer', removing: 'Purge' as const };
    await writeFile(join(dir, 'catalog.json'), encodeIndex([there, gone, shared, sharer].map((entry) => encodeEntry(entry, dir))));
    const { store, scan } = await opened(dir);
    expect(scan.endedRemovals).toEqual([
      { id: 'm-aa', digest: there.digest, rule: 'DeleteRetired', deleted: true, freedBytes: 4, fileError: null },
      { id: 'm-bb', digest: gone.digest, rule: 'Pressure', deleted: true, freedBytes: 0, fileError: null },
      { id: 'sharer', digest: shared.digest, rule: 'Purge', deleted: true, freedBytes: 0, fileError: null },
    ]);
    expect([store.list(), await blobs(dir), scan.suspect, scan.unreferenced]).toEqual([[shared], [blobName(shared.digest)], [], []]);
  });

  test('an unknown rule in the index is no index', async () => {
    const dir = await aFolder();
    const entry = await ownFile(dir, 'aa');
    await writeFile(join(dir, 'catalog.json'), encodeIndex([encodeEntry(entry, dir).replace(/}$/, ',"removing":"Boredom"}')]));
    await expect(openCatalog(dir)).rejects.toMatchObject({ code: 'MALFORMED_INDEX', message: expect.stringContaining('removing is not one of') });
  });
});
