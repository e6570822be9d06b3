import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { copyFailure } from '../src/staging/staging-wish.js';
import { aFolder } from './an-area.js';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('small-area.mjs', import.meta.url));
const ON_SMALL_TMPFS = 'mount -t tmpfs -o size=3m none "$1/area" && exec "$2" "$3" "$1/area" "$1/large"';

/** Mount namespaces need a privilege that some containers withhold. */
const canMount = await run('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/tmp']).then(
  () => true,
  () => false,
);

describe('a staging area whose file system is full', () => {
  (canMount ? test : test.skip)('C-220 C-77 a copy that meets the end of the file system fails with its code and leaves nothing there', async () => {
    const dir = await aFolder();
    await mkdir(join(dir, 'area'));
    await writeFile(join(dir, 'large'), Buffer.alloc(9_000_000, 'weights'));
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', ON_SMALL_TMPFS, 'sh', dir, process.execPath, SCRIPT], { env: { ...process.env, NODE_OPTIONS: '' } });
    expect(JSON.parse(stdout)).toEqual({ code: 'ENOSPC', left: [] });
  }, 600_000);

  test('C-77 the reason names the way out', () => {
    const model = { modelId: 'a', digest: `sha256:${'0'.repeat(64)}` as const, path: '/m/a', sizeBytes: 1 };
    expect(copyFailure(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }), model)).toBe(
      'a was not staged: the file system of the staging area is full; free space there, or set POOL_MANAGERD_STAGE_DIR to another one',
    );
  });
});
