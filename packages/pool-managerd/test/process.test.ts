import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { PoolStatus } from '@corral/contracts';
import { createHttpClient, systemClock } from '@corral/service-kit';
import { writeTinyModel } from '@corral/test-kit';
import { anAssignment } from './an-assignment.js';
import { isAlive, workerPids } from './node-under-test.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function aDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'process-test-'));
  closing.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const environmentOf = (stateDir: string, over: Record<string, string> = {}): Record<string, string | undefined> => ({
  PATH: process.env['PATH'],
  HOME: stateDir,
  // Where its workers put their sockets.
  TMPDIR: stateDir,
  CORRAL_STATE_DIR: stateDir,
  POOL_MANAGERD_ADDR: '127.0.0.1:0',
  NODE_ID: 'n1',
  ALLOW_CPU_POOLS: 'true',
  ORCHESTRATOR_URL: 'http://127.0.0.1:9',
  ...over,
});

interface Daemon {
  readonly child: ChildProcess;
  readonly url: string;
}

/** The program as `corral up` starts it. */
async function aDaemon(stateDir: string): Promise<Daemon> {
  const child = fork(MAIN, [], { env: environmentOf(stateDir), execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  closing.push(() => ended(child, 'SIGKILL'));
  const [message] = (await once(child, 'message')) as [{ type: string; url: string; pid: number }];
  expect(message).toEqual({ type: 'listening', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), pid: child.pid });
  return { child, url: message.url };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  return ((await exit) as [number | null])[0];
}

/** What a start that is refused says, and its exit code. */
async function refusal(stateDir: string, environment: Record<string, string>, args: readonly string[] = []): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: environmentOf(stateDir, environment), stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (text += part.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

async function until<T>(look: () => Promise<T> | T, isEnough: (seen: T) => boolean, limitMs = 60_000): Promise<T> {
  const endMs = systemClock.monotonicMs() + limitMs;
  for (;;) {
    const seen = await look();
    if (isEnough(seen)) return seen;
    if (systemClock.monotonicMs() > endMs) throw new Error(`never seen; last: ${JSON.stringify(seen)}`);
    await systemClock.sleep(50);
  }
}

/** Loads a tiny real model and returns the pid of its worker. */
async function aLoadedWorker({ url }: Daemon, stateDir: string): Promise<number> {
  const { path } = await writeTinyModel(join(stateDir, 'tiny.gguf'), {});
  const client = createHttpClient({ baseUrl: url });
  closing.push(() => client.close());
  const pools = async () => (await client.json<{ data: PoolStatus[] }>('GET', '/v2/pools')).data;
  await until(pools, (seen) => seen.some(({ ready }) => ready));
  const a = anAssignment('tiny', { target: { node_id: 'n1', pool_id: 'n1-cpu' } });
  const data = { ...a, model: { ...a.model, sources: [`file:${path}`] } };
  await client.exchange('POST', '/v2/events', { specversion: '1.0', id: 'e1', type: 'orchestrator.load', source: 'orchestratord', time: new Date().toISOString(), datacontenttype: 'application/json', data });
  const [pool] = await until(pools, (seen) => seen[0]?.replicas[0]?.state === 'resident');
  return pool?.replicas[0]?.pid ?? 0;
}

/** Socket folders of workers in a folder. */
const sockets = async (folder: string) => (await readdir(folder)).filter((name) => /^corral-w\d+-[A-Za-z0-9]{6}$/.test(name));

describe('the program', () => {
  test('P-15 SIGTERM ends it in good order: code 0, no worker, no socket, no claim', async () => {
    const stateDir = await aDir();
    const daemon = await aDaemon(stateDir);
    const worker = await aLoadedWorker(daemon, stateDir);
    expect(await sockets(stateDir)).toHaveLength(1);
    const startMs = systemClock.monotonicMs();
    expect(await ended(daemon.child, 'SIGTERM')).toBe(0);
    expect(systemClock.monotonicMs() - startMs).toBeLessThan(30_000);
    expect([isAlive(worker), workerPids(), await readdir(join(stateDir, 'node', '.lock'))]).toEqual([false, [], []]);
    expect(await sockets(stateDir)).toEqual([]);
    const log = await readFile(join(stateDir, 'logs', 'pool-managerd.jsonl'), 'utf8');
    expect(log).toContain('"human":"tiny is ready after');
  }, 600_000);

  test('C-01 kill -9 leaves no worker, and the next start has its model again without being told', async () => {
    const stateDir = await aDir();
    const first = await aDaemon(stateDir);
    const worker = await aLoadedWorker(first, stateDir);
    await ended(first.child, 'SIGKILL');
    await until(() => isAlive(worker), (alive) => !alive);
    const second = await aDaemon(stateDir);
    const client = createHttpClient({ baseUrl: second.url });
    closing.push(() => client.close());
    const [pool] = await until(async () => (await client.json<{ data: PoolStatus[] }>('GET', '/v2/pools')).data, (seen) => seen[0]?.replicas[0]?.state === 'resident');
    expect(pool?.replicas[0]?.model_id).toBe('tiny');
    expect(await ended(second.child, 'SIGTERM')).toBe(0);
  }, 600_000);

  test('C-01 it ends when its parent does', async () => {
    const stateDir = await aDir();
    const script = join(stateDir, 'parent.mjs');
    const start = `import { fork } from 'node:child_process'; const child = fork(${JSON.stringify(MAIN)}, [], { execArgv: [] }); child.once('message', ({ pid }) => process.stdout.write(String(pid) + '\\n')); setInterval(() => {}, 1000);`;
    await writeFile(script, start);
    const parent = spawn(process.execPath, [script], { env: environmentOf(stateDir), stdio: ['ignore', 'pipe', 'ignore'] });
    closing.push(() => ended(parent, 'SIGKILL'));
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    await ended(parent, 'SIGKILL');
    await until(() => isAlive(pid), (alive) => !alive);
  }, 600_000);

  test('C-143 a second one on the same state directory is refused with the pid of the first', async () => {
    const stateDir = await aDir();
    const { child } = await aDaemon(stateDir);
    const { code, text } = await refusal(stateDir, {});
    expect([code, text]).toEqual([1, expect.stringContaining(`pool-managerd with pid ${child.pid} uses this state directory already`)]);
    expect(await ended(child, 'SIGTERM')).toBe(0);
  }, 600_000);

  test.each([
    ['P-31 an open bind without a token', { POOL_MANAGERD_ADDR: '0.0.0.0:0' }, 2, 'set LLORCH_API_TOKEN'],
    ['G-25 a cpu pool in the cloud profile', { CORRAL_PROFILE: 'cloud', LLORCH_API_TOKEN: 'x'.repeat(32) }, 2, 'unset ALLOW_CPU_POOLS'],
    ['P-04 a wrong setting', { POOL_DEVICES: 'tpu:0' }, 2, '"tpu:0" names no device'],
  ])('%s refuses to start', async (_, environment, exitCode, message) => {
    const { code, text } = await refusal(await aDir(), environment);
    expect([code, text]).toEqual([exitCode, expect.stringContaining(message)]);
  });

  test('P-04 --help, --version and --check answer and end', async () => {
    const stateDir = await aDir();
    expect(await refusal(stateDir, {}, ['--version'])).toEqual({ code: 0, text: '0.1.0\n' });
    expect((await refusal(stateDir, {}, ['--help'])).text).toContain('--allow-cpu');
    expect(await refusal(stateDir, {}, ['--check'])).toEqual({ code: 0, text: 'the configuration is valid\n' });
    expect(await refusal(stateDir, {}, ['--wrong'])).toMatchObject({ code: 2 });
  });
});
