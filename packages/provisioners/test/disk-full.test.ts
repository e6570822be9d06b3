import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { startHub } from '@corral/test-kit';
import type { HubFault } from '@corral/test-kit';
import { aWheel } from './a-wheel.js';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('small-disk.mjs', import.meta.url));

const ON_SMALL_DISK = 'mount -t tmpfs -o "size=$1" none "$2/disk" && exec "$3" "$4" "$2" "$5"';

/** Mount namespaces need a privilege that some containers withhold; `unpack-member.test.ts` fills a disk without it. */
const canMount = await run('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/tmp']).then(
  () => true,
  () => false,
);

(canMount ? test : test.skip).each([
  ['for the wheel', '3m'],
  ['for the file in it beside it', '6m'],
])('D-22 D-23 a disk too small %s is told with the numbers, and everything is cleaned up', async (_, size) => {
  const dir = await mkdtemp(join(tmpdir(), 'corral-disk-'));
  try {
    await Promise.all([mkdir(join(dir, 'wheels')), mkdir(join(dir, 'disk'))]);
    await aWheel(join(dir, 'wheels'), { 'm.gguf': Buffer.alloc(4_000_000, 'GGUF') });
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', ON_SMALL_DISK, 'sh', size, dir, process.execPath, SCRIPT, 'pypi:tiny-model==1.0/m.gguf'], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect(JSON.parse(stdout)).toEqual({
      code: 'DISK_FULL',
      retriable: true,
      message: expect.stringMatching(
        /pypi:tiny-model==1\.0\/m\.gguf: no space left in .*, .* free.*; free space there, or set MODELS_DIR to a larger disk/,
      ),
      left: [],
      listed: 0,
    });
  } finally {
    await rm(dir, { recursive: true });
  }
});

(canMount ? test : test.skip).each<[string, HubFault | null, RegExp]>([
  ['is told before the first byte', null, /no space left in .*, .* free, 3\.8 MiB needed; free space there/],
  ['that nobody announced is told when it comes', { kind: 'no_length' }, /no space left in .*free.*; free space there/],
])('D-54 a disk too small for a download %s, and gets its room back', async (_, fault, message) => {
  const dir = await mkdtemp(join(tmpdir(), 'corral-disk-'));
  const hub = await startHub();
  try {
    await mkdir(join(dir, 'disk'));
    hub.put('m.gguf', Buffer.alloc(4_000_000, 'GGUF'));
    hub.misbehave(() => fault);
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', ON_SMALL_DISK, 'sh', '3m', dir, process.execPath, SCRIPT, `${hub.url}/m.gguf`], {
      env: { ...process.env, NODE_OPTIONS: '', HTTP_PROXY: '', http_proxy: '' },
    });
    expect(JSON.parse(stdout)).toEqual({ code: 'DISK_FULL', retriable: true, message: expect.stringMatching(message), left: [], listed: 0 });
  } finally {
    await hub.close();
    await rm(dir, { recursive: true });
  }
});
