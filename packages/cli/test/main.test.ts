import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], { env: { PATH: process.env['PATH'] } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

test('the program ends with the exit code, and nothing keeps it running', async () => {
  expect(await run('--version')).toEqual({ code: 0, out: '0.1.0\n', err: '' });
  expect(await run('ps', '--url', 'http://127.0.0.1:1')).toMatchObject({ code: 3, out: '', err: expect.stringContaining('scripts/up') });
  expect(await run('bogus')).toMatchObject({ code: 2, out: '' });
});

test.each(['bash', 'zsh', 'fish'])('completion script of %s', async (shell) => {
  expect(await run('completion', shell)).toMatchObject({ code: 0, out: expect.stringContaining('complete --'), err: '' });
});

test('completion knows commands and flags', async () => {
  expect((await run('complete', '--', 'mod')).out).toMatch(/^models\t/);
  expect((await run('complete', '--', 'up', '--al')).out).toMatch(/^--allow-cpu\t/);
});

test('a reader that went away is no failure', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'corral-main-'));
  try {
    await mkdir(join(stateDir, 'logs'));
    await writeFile(join(stateDir, 'logs/a.jsonl'), `${JSON.stringify({ msg: 'x'.repeat(1_000) })}\n`.repeat(2_000));
    const child = spawn(process.execPath, [MAIN, 'logs', '-n', '2000', '--json', '--state-dir', stateDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = (await once(child, 'close')) as [number | null];
    expect([code, err]).toEqual([0, '']);
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
});
