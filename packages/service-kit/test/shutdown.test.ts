import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { aliveOf, FakeClock } from '@corral/test-kit';
import { recordingLog, Shutdown } from '../src/index.js';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const children: ChildProcess[] = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

async function start(script: string, ...args: string[]): Promise<{ child: ChildProcess; firstLine: string; output: () => string }> {
  const child = spawn(process.execPath, [fixture(script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  while (!text.includes('\n')) await once(child.stdout, 'data');
  return { child, firstLine: text.split('\n')[0] ?? '', output: () => text };
}

async function ended(child: ChildProcess): Promise<unknown> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return code ?? signal;
}

/** Whether a process that is not our child has ended, at the latest after `withinMs`. */
async function isGone(pid: number, withinMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= withinMs; waitedMs += 20) {
    if ((await aliveOf([pid])).length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

test('P-64 parts are closed once, the last one opened first, and one that fails or hangs does not keep the others open', async () => {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const shutdown = new Shutdown(log, clock, 5_000);
  const closed: string[] = [];
  shutdown.add('store', () => void closed.push('store'));
  shutdown.add('hanging', () => new Promise<void>(() => closed.push('hanging')));
  shutdown.add('broken', () => {
    throw new Error('no');
  });
  shutdown.add('server', async () => {
    await clock.sleep(100);
    closed.push('server');
  });
  const done = shutdown.run();
  expect(shutdown.run()).toBe(done);
  await clock.advance(100);
  expect(closed).toEqual(['server', 'hanging']);
  await clock.advance(5_000);
  await done;
  expect(closed).toEqual(['server', 'hanging', 'store']);
  expect(lines.map(({ level, message, fields }) => [level, message, (fields as { part: string }).part])).toEqual([
    ['warn', 'closing failed', 'broken'],
    ['warn', 'closing takes too long', 'hanging'],
  ]);
  expect(clock.sleeping).toBe(0);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('P-64 %s closes everything in order, then exits with its code', async (signal, code) => {
  const { child, output } = await start('daemon.mjs');
  child.kill(signal);
  expect([await ended(child), output()]).toEqual([code, 'ready none\nclosed first\nclosed last\n']);
});

test('P-64 a second signal does not wait for what hangs', async () => {
  const { child, output } = await start('daemon.mjs', 'hang');
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGTERM');
  expect([await ended(child), output()]).toEqual([143, 'ready none\n']);
});

test('P-64 a part that hangs or fails is left behind', async () => {
  for (const [mode, text] of [
    ['hang', 'ready none\nclosed last\n'],
    ['fail', 'ready none\nclosed first\nclosed last\n'],
  ] as const) {
    const { child, output } = await start('daemon.mjs', mode);
    child.kill('SIGTERM');
    expect([await ended(child), output()]).toEqual([143, text]);
  }
});

test('P-64 an error that nobody caught closes everything and exits with 1', async () => {
  const { child, output } = await start('daemon.mjs', 'crash');
  expect([await ended(child), output()]).toEqual([1, 'ready none\nclosed first\nclosed last\n']);
});

test.each(['ipc', 'pipe'])('P-65 a child ends within a second after its parent was killed: %s', async (link) => {
  const { child, firstLine } = await start('parent.mjs', link, 'plain');
  const [pid, , used] = firstLine.split(' ');
  expect(used).toBe(link);
  child.kill('SIGKILL');
  expect(await isGone(Number(pid), 1_000)).toBe(true);
});

test('P-65 a child that does not stop by itself is ended after a second', async () => {
  const { child, firstLine } = await start('parent.mjs', 'ipc', 'stubborn');
  child.kill('SIGKILL');
  const pid = Number(firstLine.split(' ')[0]);
  expect([await isGone(pid, 500), await isGone(pid, 2_500)]).toEqual([false, true]);
});
