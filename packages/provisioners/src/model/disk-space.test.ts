import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import { assertRoom, roomAsserter } from './disk-space.js';

const TOO_MUCH = 2 ** 60;

test('D-54 a file that does not fit is refused with the numbers', async () => {
  await expect(assertRoom(tmpdir(), TOO_MUCH)).rejects.toMatchObject({ code: 'DISK_FULL', message: expect.stringMatching(/no space left in .*, .* free, .* needed; free space there, or set MODELS_DIR/) });
  await assertRoom(tmpdir(), 0);
});

test('D-66 room is made before the look, and what stands against more of it is told', async () => {
  const asked: number[] = [];
  const assert = roomAsserter((bytes) => {
    asked.push(bytes);
    return Promise.resolve('garbage collection keeps 2 by KeepActive');
  });
  await assert(tmpdir(), 1);
  await expect(assert(tmpdir(), TOO_MUCH)).rejects.toMatchObject({ message: expect.stringContaining('needed; garbage collection keeps 2 by KeepActive; free space there') });
  expect(asked).toEqual([1, TOO_MUCH]);
});

test('D-66 a pass that fails makes no room, and is no reason to refuse', async () => {
  await expect(roomAsserter(() => Promise.reject(new Error('the index cannot be written')))(tmpdir(), 1)).resolves.toBeUndefined();
});
