import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { aliveOf, eventually, FakeClock } from '@corral/test-kit';
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

/** Kills a process and waits until one that it had started, and that is not our child, is gone too; resolves with the time until then. */
async function goneAfterMs(parent: ChildProcess, pid: number): Promise<number> {
  const killedMs = performance.now();
  parent.kill('SIGKILL');
  await eventually('it is gone', 30_000, async () => (await aliveOf([pid])).length === 0);
  return performance.now() - killedMs;
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
  const { child, output } = await start('daemon.mjs', 'stuck');
  child.kill('SIGTERM');
  // The system makes one of two signals that a process has not taken yet.
  await eventually('it closes', 60_000, async () => output().includes('closing'));
  child.kill('SIGTERM');
  expect([await ended(child), output()]).toEqual([143, 'ready none\nclosing\n']);
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

test.each(['ipc', 'pipe'])('P-65 a child ends after its parent was killed: %s', async (link) => {
  const { child, firstLine } = await start('parent.mjs', link, 'plain');
  const [pid, , used] = firstLine.split(' ');
  expect(used).toBe(link);
  expect(await goneAfterMs(child, Number(pid))).toBeGreaterThan(0);
});

test('P-65 a child that does not stop by itself is ended after a second', async () => {
  const { child, firstLine } = await start('parent.mjs', 'ipc', 'stubborn');
  // It has a second for that, which begins when it learns of it.
  expect(await goneAfterMs(child, Number(firstLine.split(' ')[0]))).toBeGreaterThanOrEqual(990);
});
