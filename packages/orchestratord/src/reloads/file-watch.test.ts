import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { silentLog, systemClock } from '@corral/service-kit';
import { eventually } from '@corral/test-kit';
import { FileWatch } from './file-watch.js';

const opened: FileWatch[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const watch of opened.splice(0)) await watch.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Longer than the debounce and than the regular look. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 1_600));

async function watching(prepare: (folder: string) => Promise<string>) {
  const folder = await mkdtemp(join(tmpdir(), 'corral-watch-'));
  folders.push(folder);
  const path = await prepare(folder);
  const seen = { changes: 0 };
  const watch = new FileWatch({ path, clock: systemClock, log: silentLog, onChange: () => void (seen.changes += 1) });
  opened.push(watch);
  await watch.start();
  const told = async (times: number): Promise<number> => {
    await eventually(`told ${times} times`, 60_000, async () => seen.changes === times);
    return seen.changes;
  };
  return { folder, path, seen, told };
}

async function plainFile(folder: string): Promise<string> {
  const path = join(folder, 'corral.yaml');
  await writeFile(path, 'one');
  return path;
}

test('F-15 T-123 five writes in a moment are told once', async () => {
  const { path, seen, told } = await watching(plainFile);
  for (let n = 0; n < 5; n += 1) writeFileSync(path, `text ${n}`);
  expect(await told(1)).toBe(1);
  await pause();
  expect(seen.changes).toBe(1);
});

test('F-15 T-123 other files of the folder are not told, and a file renamed over it is', async () => {
  const { folder, path, seen, told } = await watching(plainFile);
  await writeFile(join(folder, 'other.yaml'), 'x');
  await writeFile(join(folder, '.corral.yaml.swp'), 'x');
  await rename(join(folder, 'other.yaml'), join(folder, 'third.yaml'));
  await pause();
  expect(seen.changes).toBe(0);
  await writeFile(join(folder, 'new'), 'two');
  await rename(join(folder, 'new'), path);
  expect(await told(1)).toBe(1);
  await writeFile(path, 'three');
  expect(await told(2)).toBe(2);
});

test('F-15 F-44 a file that goes away is not told until it is back', async () => {
  const { path, seen, told } = await watching(plainFile);
  await rm(path);
  await pause();
  expect(seen.changes).toBe(0);
  await writeFile(path, 'two');
  expect(await told(1)).toBe(1);
});

test('F-15 F-44 a folder that goes away and comes back is watched again', async () => {
  const { folder, path, told } = await watching(async (root) => {
    await mkdir(join(root, 'etc'));
    return plainFile(join(root, 'etc'));
  });
  await rm(join(folder, 'etc'), { recursive: true });
  await pause();
  await mkdir(join(folder, 'etc'));
  await writeFile(path, 'two');
  expect(await told(1)).toBe(1);
  await writeFile(path, 'three');
  expect(await told(2)).toBe(2);
});

test('F-15 F-44 a link that is turned elsewhere is noticed, as mounted configurations do it', async () => {
  const { folder, told } = await watching(async (root) => {
    await mkdir(join(root, '..2026_1'));
    await plainFile(join(root, '..2026_1'));
    await symlink('..2026_1', join(root, '..data'));
    await symlink('..data/corral.yaml', join(root, 'corral.yaml'));
    return join(root, 'corral.yaml');
  });
  await mkdir(join(folder, '..2026_2'));
  await writeFile(join(folder, '..2026_2', 'corral.yaml'), 'two');
  await symlink('..2026_2', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  expect(await told(1)).toBe(1);
  await rm(join(folder, '..2026_1'), { recursive: true });
  await mkdir(join(folder, '..2026_3'));
  await writeFile(join(folder, '..2026_3', 'corral.yaml'), 'three');
  await symlink('..2026_3', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  expect(await told(2)).toBe(2);
});

test('F-15 F-44 a write that does not end is told all the same', async () => {
  const { path, told } = await watching(plainFile);
  let n = 0;
  const writing = setInterval(() => void writeFile(path, `text ${n++}`).catch(() => undefined), 50);
  try {
    expect(await told(1)).toBe(1);
  } finally {
    clearInterval(writing);
  }
}, 600_000);
