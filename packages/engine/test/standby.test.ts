import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EngineError, EngineWorkers, type EngineReplica, type ReplicaSpec, type Standby, type StandbyState, type WorkersLimits } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { aliveOf, eventually } from '@corral/test-kit';

const scriptedWorker = fileURLToPath(new URL('../../test-kit/dist/scripted-engine/worker.js', import.meta.url));
const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== 'NODE_OPTIONS'));
const device = { deviceKind: 'cpu', deviceMask: '' } as const;
const aSpec: ReplicaSpec = { replicaId: 'r1', modelPath: '/model', digest: null, ...device, contextTokens: 512, slots: 2, threads: 1, batchTokens: 128, prefillChunkTokens: 64, weightsIo: 'mmap' };
const options = { signal: new AbortController().signal, log: silentLog };

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-idle-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const standbys: Standby[] = [];
const replicas: EngineReplica[] = [];
afterEach(async () => {
  await Promise.all([...standbys.splice(0).map((standby) => standby.close()), ...replicas.splice(0).map((replica) => replica.stop(0))]);
});

const workersOf = (entry: string, limits: Partial<WorkersLimits> = {}): EngineWorkers =>
  new EngineWorkers({ program: () => ({ entry, args: [], env, clock: systemClock }), clock: systemClock, limits: { refillDelayMs: 0, backoff: { initialMs: 10, maxMs: 100 }, ...limits } });
const standBy = (workers: EngineWorkers, count = 1, seen: StandbyState[] = []): Standby => {
  const standby = workers.standBy(device, { workers: count, log: silentLog, onChange: (state) => seen.push(state) });
  standbys.push(standby);
  return standby;
};
const start = async (workers: EngineWorkers, extra: object = {}): Promise<EngineReplica> => {
  const replica = await workers.start(aSpec, options, extra);
  replicas.push(replica);
  return replica;
};
const ready = (standby: Standby, count = 1): Promise<readonly number[]> => eventually(`${count} are ready`, 30_000, () => Promise.resolve(standby.state.ready === count && standby.state.pids));
const script = async (name: string, text: string): Promise<string> => {
  const path = join(dir, `${name}.mjs`);
  await writeFile(path, text);
  return path;
};

describe('processes that wait for a load', () => {
  test('C-150 a load takes the process that waits, and the next one is there after it', async () => {
    const workers = workersOf(scriptedWorker);
    const standby = standBy(workers);
    const [waiting] = await ready(standby);
    const replica = await start(workers);
    const [next] = await ready(standby);
    expect([replica.pid, next === waiting, await aliveOf([replica.pid, next ?? 0])]).toEqual([waiting, false, [replica.pid, next]]);
  });

  test('C-150 a load takes one that is still initialising, and forks where none waits', async () => {
    const workers = workersOf(scriptedWorker);
    const seen: StandbyState[] = [];
    standBy(workers, 1, seen);
    await eventually('one is forked', 30_000, () => Promise.resolve(seen.length > 0));
    const started = await Promise.all([start(workers), start(workers)]);
    // Either of two loads at once may be the one that meets it first.
    expect(started.filter(({ pid }) => seen[0]?.pids.includes(pid)).map(({ pid }) => pid)).toEqual(seen[0]?.pids);
  });

  test('C-150 none is forked while a load runs', async () => {
    const workers = workersOf(scriptedWorker);
    const standby = standBy(workers);
    await ready(standby);
    const abort = new AbortController();
    const loading = workers.start(aSpec, { ...options, signal: abort.signal }, { hang: 'load' }).catch(() => 'called off');
    const [sibling] = [await start(workers)];
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([standby.state, await aliveOf([sibling.pid])]).toEqual([{ ready: 0, pids: [], lastError: null }, [sibling.pid]]);
    abort.abort();
    expect(await loading).toBe('called off');
    await ready(standby);
  });

  test('C-151 one that is killed is replaced, and a load that meets its end takes another', async () => {
    const workers = workersOf(scriptedWorker);
    const standby = standBy(workers, 2);
    const [first = 0, second] = await ready(standby, 2);
    process.kill(first, 'SIGKILL');
    expect((await start(workers)).pid).toBe(second);
    const pids = await ready(standby, 2);
    expect([pids.includes(first), standby.state.lastError]).toEqual([false, null]);
  });

  test('C-151 a device on which none starts says why, tries on with growing waits, and works once it can', async () => {
    const gate = join(dir, 'gate');
    const entry = await script('gated', `import { existsSync } from 'node:fs'; if (!existsSync(${JSON.stringify(gate)})) { console.error('CUDA error: no device'); process.exit(3); } process.on('disconnect', () => process.exit()); process.on('message', () => {}); process.send({ type: 'idle' });`);
    const standby = standBy(workersOf(entry));
    await eventually('it says why', 30_000, () => Promise.resolve(standby.state.lastError !== null));
    expect(standby.state).toMatchObject({ ready: 0, lastError: 'the engine process ended with exit code 3; it said: CUDA error: no device' });
    await writeFile(gate, '');
    await ready(standby);
    expect(standby.state.lastError).toBeNull();
  });

  test('C-151 one that gives up is quoted; one that hangs is ended after the limit', async () => {
    const gaveUp = standBy(new EngineWorkers({ program: () => ({ entry: scriptedWorker, args: ['{"failInit":"device_missing"}'], env, clock: systemClock }), clock: systemClock }));
    const hung = standBy(workersOf(await script('hung', `process.on('disconnect', () => process.exit()); process.on('message', () => {});`), { initMs: 200 }));
    await eventually('both say why', 30_000, () => Promise.resolve(gaveUp.state.lastError !== null && hung.state.lastError !== null));
    expect([gaveUp.state.lastError, hung.state.lastError]).toEqual(['the scripted engine was told not to start', expect.stringContaining('not initialised after 200 ms')]);
  });

  test('C-151 where there is no program for a device it says so and does not try again', async () => {
    let asked = 0;
    const workers = new EngineWorkers({
      program: () => {
        asked += 1;
        throw new EngineError('device_unsupported', 'not on this device');
      },
      clock: systemClock,
      limits: { backoff: { initialMs: 1, maxMs: 1 } },
    });
    const standby = standBy(workers);
    await eventually('it says so', 30_000, () => Promise.resolve(standby.state.lastError !== null));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([standby.state, asked]).toEqual([{ ready: 0, pids: [], lastError: 'not on this device' }, 1]);
  });

  test('C-150 zero are none; closing ends all, those included that initialise', async () => {
    const workers = workersOf(scriptedWorker);
    const [none, some] = [standBy(workers, 0), standBy(workers, 2)];
    const pids = await eventually('one is ready, one initialises', 30_000, () => Promise.resolve(some.state.pids.length === 2 && some.state.pids));
    await some.close();
    expect([none.state.pids, some.state, await aliveOf(pids)]).toEqual([[], { ready: 0, pids: [], lastError: null }, []]);
  });
});
