import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '@corral/service-kit';
import { runProgram } from './run-program.js';
import type { RunOptions } from './run-program.js';

const options = (changes: Partial<RunOptions> = {}): RunOptions => ({
  env: process.env,
  cwd: '/',
  clock: systemClock,
  signal: new AbortController().signal,
  ...changes,
});

/** Live processes of a process group. */
function groupOf(leader: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
        return fields[2] === String(leader) && !['Z', 'X'].includes(fields[0] ?? '');
      } catch {
        return false;
      }
    })
    .map(Number);
}

const parentOf = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);

describe('D-22 a program of the user', () => {
  test('gives its code and what it said, with its arguments as they are', async () => {
    expect(
      await runProgram(
        ['sh', '-c', 'echo "$1"; echo "$X" >&2; exit 3', 'sh', 'a "b" $c;d'],
        options({ env: { PATH: process.env['PATH'], X: 'y' } }),
      ),
    ).toEqual({
      code: 3,
      stdout: 'a "b" $c;d\n',
      stderr: 'y\n',
    });
  });

  test('that does not exist ends with 127', async () => {
    expect((await runProgram(['corral-no-such-program'], options())).code).toBe(127);
  });

  test('that says too much is cut from the start', async () => {
    const { stdout } = await runProgram(['sh', '-c', 'i=0; while [ $i -lt 4000 ]; do echo "line $i"; i=$((i+1)); done'], options());
    expect([stdout.length, stdout.endsWith('line 3999\n')]).toEqual([16_384, true]);
  });

  test.each([
    ['', 'at once'],
    ['trap "" TERM; ', 'after a grace when it does not want to'],
  ])('is stopped with all it started: %s%s', async (prefix) => {
    const stop = new AbortController();
    let before: readonly number[] = [];
    let leader = 0;
    const running = runProgram(
      ['sh', '-c', `${prefix}sleep 300 & echo $$; sleep 300; true`],
      options({
        signal: stop.signal,
        onStdout: (text) => {
          leader = parentOf(Number(text.trim()));
          before = groupOf(leader);
          stop.abort(new Error('enough'));
        },
      }),
    );
    await expect(running).rejects.toThrow('enough');
    expect(before.length).toBeGreaterThanOrEqual(4);
    for (let n = 0; n < 2_000 && groupOf(leader).length > 0; n += 1) await sleep(20);
    expect(groupOf(leader)).toEqual([]);
  });

  test('does not outlive this process, even when that is killed', async () => {
    const script = fileURLToPath(new URL('../../test/end-with-parent.mjs', import.meta.url));
    const parent = fork(script, { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    const [pid] = (await once(parent, 'message')) as [number];
    const leader = parentOf(pid);
    expect(groupOf(leader).length).toBeGreaterThanOrEqual(3);
    parent.kill('SIGKILL');
    for (let n = 0; n < 2_000 && groupOf(leader).length > 0; n += 1) await sleep(20);
    expect(groupOf(leader)).toEqual([]);
  });
});
