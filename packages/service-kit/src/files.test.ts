import { expect, test } from '@jest/globals';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from './files.js';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'service-kit-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('P-67 a file is replaced as a whole, with its mode, and nothing else is left in the folder', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'state.json');
    await writeFileAtomic(path, '{"n":1}');
    await writeFileAtomic(path, '{"n":2}', 0o600);
    expect([await readJsonFile(path), await readdir(folder), (await stat(path)).mode & 0o777]).toEqual([{ n: 2 }, ['state.json'], 0o600]);
  }));

test('P-67 many writers at once leave one of their contents, whole', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'state.json');
    await Promise.all(Array.from({ length: 8 }, (_, n) => writeFileAtomic(path, JSON.stringify({ n, pad: 'x'.repeat(10_000) }))));
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pad: 'x'.repeat(10_000) });
    expect(await readdir(folder)).toEqual(['state.json']);
  }));

test('P-67 a write that fails leaves the old content and no temporary file', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'taken');
    await writeFileAtomic(join(folder, 'old'), 'old');
    await rm(path, { force: true });
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(path, 'inner'), { recursive: true });
    await expect(writeFileAtomic(path, 'new')).rejects.toThrow();
    expect((await readdir(folder)).toSorted()).toEqual(['old', 'taken']);
  }));

test('P-67 no file reads as undefined; a broken one names its path', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'broken.json');
    await writeFile(path, '{"n":');
    expect(await readJsonFile(join(folder, 'none.json'))).toBeUndefined();
    await expect(readJsonFile(path)).rejects.toThrow(`${path} is not JSON; restore it`);
  }));
