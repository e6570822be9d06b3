import { chmod, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { aFolder } from '../../test/an-area.js';
import { openStageFolder } from './stage-folder.js';

describe('openStageFolder', () => {
  test('C-221 each state directory has a private folder of its own, the same at every start', async () => {
    const [base, one, other] = [await aFolder(), await aFolder(), await aFolder()];
    const dirs = [await openStageFolder(one, base), await openStageFolder(other, base), await openStageFolder(join(one, '.'), base)].map(({ dir }) => dir);
    expect([dirs[0], dirs[1]]).toEqual([dirs[2], expect.not.stringContaining(dirs[0] ?? '')]);
    for (const dir of [...dirs, join(dirs[0] ?? '', '..')]) expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  test('C-221 a folder that all could read is made private', async () => {
    const [base, home] = [await aFolder(), await aFolder()];
    const { dir } = await openStageFolder(home, base);
    await chmod(dir, 0o755);
    await openStageFolder(home, base);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  test('C-221 a link or a file in its place is refused, with the way out', async () => {
    const [base, home, elsewhere] = [await aFolder(), await aFolder(), await aFolder()];
    const own = join(base, `corral-${process.getuid?.()}`);
    await symlink(elsewhere, own);
    await expect(openStageFolder(home, base)).rejects.toThrow(/belongs to somebody else; remove it, or set POOL_MANAGERD_STAGE_DIR/);
    await rm(own);
    await writeFile(own, '');
    await expect(openStageFolder(home, base)).rejects.toThrow(/belongs to somebody else/);
  });

  test('C-221 what a node left whose state directory is gone is removed, and nothing else', async () => {
    const [base, gone, stays, home] = [await aFolder(), await aFolder(), await aFolder(), await aFolder()];
    const left = await openStageFolder(gone, base);
    const other = await openStageFolder(stays, base);
    await writeFile(join(left.dir, 'weights'), 'x');
    await writeFile(join(other.dir, 'weights'), 'x');
    const foreign = join(other.dir, '..', 'foreign');
    await mkdir(foreign);
    await rm(gone, { recursive: true });
    const { dir } = await openStageFolder(home, base);
    expect((await readdir(join(dir, '..'))).toSorted()).toEqual([dir, other.dir, foreign].map((path) => path.slice(path.lastIndexOf('/') + 1)).toSorted());
    expect(await readdir(other.dir)).toEqual(['owner', 'weights']);
  });

  test('C-76 shared memory is RAM, a folder on the disk is best effort', async () => {
    const [ram, plain, home] = [await aFolder('/dev/shm'), await aFolder(), await aFolder()];
    expect([(await openStageFolder(home, ram)).isRam, (await openStageFolder(home, plain)).isRam]).toEqual([true, false]);
  });
});
