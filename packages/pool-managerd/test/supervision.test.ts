import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { scriptedEngine } from '@corral/test-kit';
import { aStateDir, isAlive, NodeUnderTest, workerPids } from './node-under-test.js';

type Supervision = Readonly<Record<string, number>>;
const start = (supervision: Supervision, options: Parameters<typeof NodeUnderTest.start>[0] = {}) => NodeUnderTest.start({ ...options, settings: { supervision, ...options.settings } });
const theReplica = async (node: NodeUnderTest) => (await node.pool()).replicas[0];
const untilResident = (node: NodeUnderTest, notPid = 0) => node.until(() => theReplica(node), (replica) => replica?.state === 'resident' && replica.pid !== notPid);
const eventsOf = (node: NodeUnderTest) => node.controlPlane.events.map(({ type }) => type).filter((type) => type.startsWith('instance.'));
const changesOf = (node: NodeUnderTest) => node.log.filter(({ message }) => message === 'replica changed').map(({ fields }) => fields as Record<string, unknown>);

async function metric(node: NodeUnderTest, name: string): Promise<readonly string[]> {
  const answer = await node.client.pool.request({ method: 'GET', path: '/metrics' });
  return (await answer.body.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
}

async function kill(node: NodeUnderTest, signal: NodeJS.Signals): Promise<number> {
  const pid = (await untilResident(node))?.pid ?? 0;
  process.kill(pid, signal);
  return pid;
}

/** Kills the replica each time that it is there, until it is left alone. */
async function killUntilOpen(node: NodeUnderTest): Promise<void> {
  await node.until(async () => {
    const replica = await theReplica(node);
    if (replica?.state === 'resident' && replica.pid !== null && isAlive(replica.pid)) process.kill(replica.pid, 'SIGKILL');
    return replica?.breaker?.state;
  }, (state) => state === 'open');
}

describe('a worker that dies', () => {
  test('T-106 C-50 C-51 it is started again after the wait, the second time after twice that, and each is counted', async () => {
    const node = await start({ backoff_initial_ms: 1_000, backoff_max_ms: 5_000 });
    await node.load(await node.aModel('a'));
    const first = await kill(node, 'SIGKILL');
    const down = await node.until(() => node.status('a'), (status) => status?.residency !== 'resident');
    expect(down).toMatchObject({ residency: 'loading', last_error: expect.stringContaining('SIGKILL'), progress: { phase: 'restarting' }, retry_at_ms: expect.any(Number) });
    const second = (await untilResident(node, first))?.pid ?? 0;
    expect(await theReplica(node)).toMatchObject({ last_error: null, restarts: 1, failures: 1, breaker: { state: 'closed', retry_at_ms: null } });
    process.kill(second, 'SIGKILL');
    await untilResident(node, second);
    const failed = changesOf(node).filter(({ to }) => to === 'failed');
    const waits = failed.map(({ backoff_ms: waitMs }) => Number(waitMs));
    expect([waits[0]! >= 900 && waits[0]! <= 1_100, waits[1]! >= 1_800 && waits[1]! <= 2_200]).toEqual([true, true]);
    expect(failed.map(({ reason }) => reason)).toEqual(['sigkill', 'sigkill']);
    expect(await metric(node, 'pool_restart_total')).toEqual(['pool_restart_total{pool_id="n1-cpu",reason="sigkill"} 2']);
    expect(await metric(node, 'engine_crash_total')).toEqual(['engine_crash_total{pool_id="n1-cpu",reason="sigkill"} 2']);
    await node.until(() => eventsOf(node), (types) => types.length >= 6);
    expect(eventsOf(node)).toEqual(['instance.loading', 'instance.loaded', 'instance.loading', 'instance.loaded', 'instance.loading', 'instance.loaded']);
  });

  test('C-173 one that is killed while it loads is no failed load: it is loaded again', async () => {
    const node = await start({ backoff_initial_ms: 1_500, backoff_max_ms: 1_500 }, { engine: scriptedEngine({ behaviour: (_, starts) => (starts === 0 ? { hang: 'load' } : {}) }) });
    await node.untilReady();
    await node.post(await node.aModel('a'));
    const [pid] = await node.until(workerPids, (pids) => pids.length === 1);
    await node.until(() => node.status('a'), (status) => status?.residency === 'loading');
    process.kill(pid!, 'SIGKILL');
    await node.until(() => node.status('a'), (status) => status?.progress?.phase === 'restarting');
    await node.untilResidency('a', 'resident');
    expect(eventsOf(node)).not.toContain('instance.load_failed');
  });

  test('C-172 a load that the engine refuses is a failed load at once, and no crash', async () => {
    const node = await start({}, { engine: scriptedEngine({ behaviour: { failPreload: 'bad_model' } }) });
    await node.untilReady();
    await node.post(await node.aModel('a'));
    expect((await node.untilResidency('a', 'failed'))?.last_error).toContain('told to fail its load');
    expect(await metric(node, 'engine_crash_total')).toEqual([]);
  });
});

describe('a worker that hangs', () => {
  const quick = { health_check_interval_ms: 50, health_check_timeout_ms: 2_000, health_check_misses: 3 };

  test('C-50 C-171 one that is stopped misses its health checks, is killed and replaced; its open request breaks', async () => {
    const node = await start(quick, { engine: scriptedEngine({ behaviour: { tokens: 100_000, tokenDelayMs: 20 } }) });
    const replicaId = await node.load(await node.aModel('a'));
    const answer = await node.task({ replica_id: replicaId });
    const pid = await kill(node, 'SIGSTOP');
    await expect(answer.body.text()).rejects.toThrow();
    const failed = await node.until(() => changesOf(node).find(({ to }) => to === 'failed'), (line) => line !== undefined);
    expect(failed).toMatchObject({ reason: 'hang', cause: 'its process had to be ended', last_error: expect.stringContaining('health check failed 3 times in a row') });
    await untilResident(node, pid);
    expect(isAlive(pid)).toBe(false);
    expect(await metric(node, 'engine_crash_total')).toEqual(['engine_crash_total{pool_id="n1-cpu",reason="hang"} 1']);
    expect((await metric(node, 'pool_health_checks_total')).some((line) => line.includes('outcome="missed"} 3'))).toBe(true);
  });

  test('C-171 one that answers and says that its decode stands still is replaced too', async () => {
    const node = await start(quick, { engine: scriptedEngine({ behaviour: (_, starts) => ({ failHealth: starts === 0 }) }) });
    await node.load(await node.aModel('a'));
    const failed = await node.until(() => changesOf(node).find(({ to }) => to === 'failed'), (line) => line !== undefined);
    expect(failed).toMatchObject({ reason: 'unhealthy', last_error: expect.stringContaining('told to fail') });
    await untilResident(node, Number(changesOf(node).find(({ to }) => to === 'resident')?.['pid']));
  });

  test('C-171 one that answers stays, however long it decodes', async () => {
    const node = await start({ ...quick, health_check_interval_ms: 10, health_check_timeout_ms: 20_000 }, { engine: scriptedEngine({ behaviour: { tokens: 40, tokenDelayMs: 20 } }) });
    const replicaId = await node.load(await node.aModel('a'));
    const { body } = await node.task({ replica_id: replicaId });
    expect(await body.text()).toContain('event: end');
    expect(changesOf(node).filter(({ to }) => to === 'failed')).toEqual([]);
    expect((await metric(node, 'pool_health_checks_total')).map((line) => line.split(' ')[0])).toEqual(['pool_health_checks_total{pool_id="n1-cpu",outcome="ok"}']);
  });
});

describe('the breaker', () => {
  const quick = { backoff_initial_ms: 10, backoff_max_ms: 20, circuit_breaker_threshold: 3 };

  test('T-107 C-52 a model that keeps dying is left alone, whoever asks, until somebody resets it; others go on', async () => {
    const node = await start(quick);
    const a = await node.aModel('a');
    await node.load(await node.aModel('b'));
    await node.load(a);
    const isA = ({ model_id }: { readonly model_id: string }) => model_id === 'a';
    const replicaA = async () => (await node.pool()).replicas.find(isA);
    await node.until(async () => {
      const replica = await replicaA();
      if (replica?.state === 'resident' && replica.pid !== null && isAlive(replica.pid)) process.kill(replica.pid, 'SIGKILL');
      return replica?.breaker?.state;
    }, (state) => state === 'open');
    const story = expect.stringMatching(/SIGKILL.*; it failed 3 times in a row, so pool n1-cpu leaves it alone for 5 min; corral reset n1-cpu tries at once$/);
    expect(await node.status('a')).toMatchObject({ residency: 'failed', last_error: story, retry_at_ms: expect.any(Number) });
    expect((await node.pool()).last_error).toEqual(story);
    expect(await metric(node, 'circuit_breaker_state')).toEqual(['circuit_breaker_state{pool_id="n1-cpu"} 1']);
    expect(await metric(node, 'circuit_breaker_open_total')).toEqual(['circuit_breaker_open_total{pool_id="n1-cpu"} 1']);
    const starts = () => changesOf(node).filter(({ model_id, to }) => model_id === 'a' && to === 'loading').length;
    const before = starts();
    await node.post({ ...a, generation: 2 });
    await node.post({ ...a, wanted: 'on_disk', generation: 3 });
    await node.until(() => node.status('a'), (status) => status?.residency === 'on_disk');
    expect(await replicaA()).toMatchObject({ state: 'failed', last_error: story, breaker: { state: 'open', retry_at_ms: expect.any(Number) } });
    await node.post({ ...a, generation: 4 });
    await node.until(() => node.status('a'), (status) => status?.generation === 4 && status.residency === 'failed');
    expect(starts()).toBe(before);
    expect((await node.pool()).replicas.find(({ model_id }) => model_id === 'b')).toMatchObject({ state: 'resident', restarts: 0, failures: 0 });

    expect((await node.client.exchange('POST', '/v2/pools/n1-cpu/reset')).status).toBe(202);
    await node.untilResidency('a', 'resident');
    expect(await replicaA()).toMatchObject({ restarts: 0, failures: 0, breaker: { state: 'closed', retry_at_ms: null }, last_error: null });
    expect(await metric(node, 'circuit_breaker_state')).toEqual(['circuit_breaker_state{pool_id="n1-cpu"} 0']);
    await expect(node.client.exchange('POST', '/v2/pools/nope/reset')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('C-52 after its time comes one trial, and one that runs well closes it', async () => {
    const node = await start({ ...quick, circuit_breaker_timeout_ms: 1_500, circuit_breaker_close_ms: 1_500 });
    await node.load(await node.aModel('a'));
    await killUntilOpen(node);
    await node.until(() => theReplica(node), (replica) => replica?.breaker?.state === 'half_open' && replica.state === 'resident');
    await node.until(() => theReplica(node), (replica) => replica?.breaker?.state === 'closed');
    expect(node.log.filter(({ message }) => message === 'breaker changed').map(({ fields }) => (fields as { to: string }).to)).toEqual(['open', 'half_open', 'closed']);
  });

  test('C-52 a trial that fails keeps it from being tried for twice as long', async () => {
    const node = await start({ ...quick, circuit_breaker_timeout_ms: 100 }, { engine: scriptedEngine({ behaviour: { failPreload: 'worker_failed' } }) });
    await node.untilReady();
    await node.post(await node.aModel('a'));
    const opened = () => node.log.filter(({ message, fields }) => message === 'breaker changed' && (fields as { to: string }).to === 'open').map(({ fields }) => (fields as { open_ms: number }).open_ms);
    await node.until(opened, (times) => times.length >= 3);
    expect(opened().slice(0, 3)).toEqual([100, 200, 400]);
  });

  test('C-53 many restarts in a short time are a storm, though no failures follow each other', async () => {
    const node = await start({ ...quick, circuit_breaker_threshold: 1_000, restart_rate_limit: 2 });
    await node.load(await node.aModel('a'));
    await killUntilOpen(node);
    expect((await theReplica(node))?.last_error).toMatch(/it was started again 2 times in a short while/);
    expect(await metric(node, 'restart_storm_total')).toEqual(['restart_storm_total{pool_id="n1-cpu"} 1']);
  });
});

describe('workers that wait', () => {
  test('C-175 C-10 the pool is ready with the first one, a load takes it and another follows, and none is left behind', async () => {
    const node = await NodeUnderTest.start({ settings: { idle_workers: 1 } });
    await node.untilReady();
    const [idle] = workerPids();
    await node.until(() => metric(node, 'pool_idle_workers'), (lines) => lines.join() === 'pool_idle_workers{pool_id="n1-cpu"} 1');
    await node.load(await node.aModel('a'));
    expect((await theReplica(node))?.pid).toBe(idle);
    await node.until(workerPids, (pids) => pids.length === 2);
    await node.stop();
    expect(workerPids()).toEqual([]);
  });

  test('C-175 where none can be initialised the pool is unready and says why', async () => {
    const inner = scriptedEngine();
    const node = await NodeUnderTest.start({
      engine: {
        ...inner,
        standBy: (_device, { onChange }) => {
          const state = { ready: 0, pids: [], lastError: 'no driver' };
          setImmediate(() => onChange(state));
          return { state, close: () => Promise.resolve() };
        },
      },
      settings: { idle_workers: 1 },
    });
    const pools = await node.until(() => node.pools(), (seen) => seen[0]?.last_error?.includes('no driver') === true);
    expect(pools).toMatchObject([{ ready: false, last_error: expect.stringMatching(/^no engine worker can be initialised on the device: no driver; .*workers\.jsonl/) }]);
  });
});

test('G-41 a record says which replicas are ready, and ends with them; what a killed daemon left is removed', async () => {
  const stateDir = await aStateDir();
  const first = await NodeUnderTest.start({ stateDir });
  const folder = join(stateDir, 'node', 'engines');
  const a = await first.aModel('a');
  const replicaId = await first.load(a);
  const text = await first.until(() => readFile(join(folder, `${replicaId}.json`), 'utf8').catch(() => ''), (seen) => seen !== '');
  const { pid, digest } = (await theReplica(first)) ?? {};
  expect(JSON.parse(text)).toEqual({ replica_id: replicaId, pool_id: 'n1-cpu', model_id: 'a', digest, pid, socket: expect.stringContaining('/corral-'), ready_since_ms: expect.any(Number) });
  await first.post({ ...a, wanted: 'on_disk', generation: 2 });
  await first.until(() => readdir(folder), (names) => names.length === 0);
  await first.stop();
  await writeFile(join(folder, 'left.json'), '{}');
  await NodeUnderTest.start({ stateDir });
  expect(await readdir(folder)).toEqual([]);
});
