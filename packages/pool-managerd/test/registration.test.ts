import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { assignmentsHash, NodeState, POOL_MANAGERD_METRICS, RegisterRequest, validator } from '@corral/contracts';
import type { PoolDefinition } from '@corral/contracts';
import { scriptedEngine, startTcpProxy } from '@corral/test-kit';
import { aControlPlane, aStateDir, NodeUnderTest } from './node-under-test.js';

const poolIds = (pools: readonly { readonly pool_id: string }[]) => pools.map(({ pool_id }) => pool_id);
const cpuPool = (pool_id: string, memory_bytes: number | null = null): PoolDefinition => ({ pool_id, device: 'cpu', memory_bytes });

describe('registration and heartbeats', () => {
  test('P-12 the node introduces itself with its address, its machine and its full state', async () => {
    const node = await NodeUnderTest.start();
    await node.untilReady();
    const [request] = node.controlPlane.registrations;
    expect(validator(RegisterRequest)(request)).toMatchObject({ ok: true });
    expect(request).toMatchObject({ node_id: 'n1', address: node.running.url, machine_id: expect.any(String), state: { node_id: 'n1', incarnation: node.running.incarnation, pools: [] } });
  });

  test('P-13 changes are reported at once, the last one always, and the state is whole', async () => {
    const node = await NodeUnderTest.start();
    const a = await node.aModel('a');
    await node.load(a);
    const last = await node.until(() => node.controlPlane.heartbeats.at(-1), (state) => state?.assignments[0]?.residency === 'resident');
    expect(validator(NodeState)(last)).toMatchObject({ ok: true });
    expect(last).toMatchObject({
      pools: [{ pool_id: 'n1-cpu', ready: true, slots_free: 2 }],
      models: [{ model_id: 'a', size_bytes: 1_000_000 }],
      assignments: [{ instance_id: 'a', generation: 1, residency: 'resident' }],
      assignments_hash: assignmentsHash([a]),
      bytes_per_s: { staged: null, on_disk: expect.any(Number), network: null },
    });
    const sequence = node.controlPlane.heartbeats.map(({ seq }) => seq);
    expect(sequence).toEqual(sequence.toSorted((x, y) => x - y));
  });

  test('P-13 where nothing changes, heartbeats come as often as they are asked for', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.nextHeartbeatMs = 100;
    const node = await NodeUnderTest.start({ controlPlane });
    await node.untilReady();
    const before = controlPlane.heartbeats.length;
    const startedMs = performance.now();
    await node.until(() => controlPlane.heartbeats.length, (count) => count >= before + 10, 10_000);
    const heard = controlPlane.heartbeats.length - before;
    expect((performance.now() - startedMs) / heard).toBeGreaterThan(50);
  });

  test('P-13 T-130 a node that is not known any longer registers again by itself', async () => {
    const node = await NodeUnderTest.start();
    await node.load(await node.aModel('a'));
    node.controlPlane.known.clear();
    node.controlPlane.incarnation = 'control-2';
    await node.post(await node.aModel('b'));
    await node.until(() => node.controlPlane.registrations.length, (count) => count === 2);
    expect(node.controlPlane.registrations[1]?.state.assignments.map(({ instance_id, residency }) => [instance_id, residency])).toContainEqual(['a', 'resident']);
  });

  test('P-15 T-129 a node that stops deregisters', async () => {
    const node = await NodeUnderTest.start();
    await node.untilReady();
    await node.stop();
    expect(node.controlPlane.deregistered).toEqual(['n1']);
  });

  test('P-16 the same state answers a poll', async () => {
    const node = await NodeUnderTest.start();
    await node.untilReady();
    const state = await node.client.json<NodeState>('GET', '/v2/node');
    expect(validator(NodeState)(state)).toMatchObject({ ok: true });
    expect([state.node_id, state.incarnation, poolIds(state.pools)]).toEqual(['n1', node.running.incarnation, ['n1-cpu']]);
  });

  test('a control plane that is away costs nothing but its view: the node serves, and reports when it is back', async () => {
    const controlPlane = await aControlPlane();
    const wire = await startTcpProxy(Number(new URL(controlPlane.url).port));
    const node = await NodeUnderTest.start({ controlPlane, environment: { ORCHESTRATOR_URL: `http://127.0.0.1:${wire.port}` } });
    const a = await node.aModel('a');
    const replicaId = await node.load(a);
    wire.cut();
    await node.post({ ...a, instance_id: 'b' });
    const answer = await node.task({ replica_id: replicaId });
    await answer.body.text();
    expect(answer.statusCode).toBe(200);
    wire.restore();
    await node.until(() => controlPlane.heartbeats.at(-1)?.assignments.map(({ instance_id }) => instance_id), (ids) => ids?.includes('b') === true);
    // One whose receipt was lost comes twice.
    const loaded = () => new Set(controlPlane.events.flatMap(({ type, data }) => (type === 'instance.loaded' ? [(data as { instance_id: string }).instance_id] : [])));
    await node.until(loaded, (ids) => ids.has('a') && ids.has('b'));
    await node.stop();
    await wire.close();
  });
});

describe('pools of the manifest', () => {
  test('C-142 P-12 they are taken from the registration, and no default pool is ever seen beside them', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.pools = [cpuPool('small', 1_500_000), cpuPool('large', 3_000_000)];
    const node = await NodeUnderTest.start({ controlPlane, settings: { control_plane: { settle_ms: 10_000 } } });
    await node.untilReady('small');
    await node.untilReady('large');
    expect((await node.pools()).map(({ pool_id, memory_total_bytes, ready }) => [pool_id, memory_total_bytes, ready])).toEqual([['small', 1_500_000, true], ['large', 3_000_000, true]]);
    const told = [...controlPlane.registrations.map(({ state }) => state), ...controlPlane.heartbeats].flatMap(({ pools }) => poolIds(pools));
    expect([...new Set(told)]).toEqual(['small', 'large']);
  });

  test('C-142 without an answer the node goes by the pools it had last', async () => {
    const stateDir = await aStateDir();
    const controlPlane = await aControlPlane();
    controlPlane.pools = [cpuPool('p1')];
    const first = await NodeUnderTest.start({ controlPlane, stateDir });
    await first.untilReady('p1');
    await first.stop();
    await controlPlane.close();
    const second = await NodeUnderTest.start({ controlPlane, stateDir });
    await second.untilReady('p1');
    expect(poolIds(await second.pools())).toEqual(['p1']);
  });

  test('C-142 a memory that changes is applied in place: what is resident stays', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.pools = [cpuPool('p1', 1_500_000)];
    controlPlane.nextHeartbeatMs = 50;
    const node = await NodeUnderTest.start({ controlPlane });
    await node.load(await node.aModel('a', { target: { node_id: 'n1', pool_id: 'p1' } }));
    const pid = (await node.pool('p1')).replicas[0]?.pid;
    controlPlane.pools = [cpuPool('p1', 4_000_000)];
    const pool = await node.until(() => node.pool('p1'), (seen) => seen.memory_total_bytes === 4_000_000);
    expect([pool.ready, pool.replicas.map((replica) => [replica.state, replica.pid])]).toEqual([true, [['resident', pid]]]);
  });

  test('C-142 a pool that the manifest takes away ends its replicas', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.pools = [cpuPool('p1')];
    controlPlane.nextHeartbeatMs = 50;
    const node = await NodeUnderTest.start({ controlPlane });
    await node.load(await node.aModel('a', { target: { node_id: 'n1', pool_id: 'p1' } }));
    controlPlane.pools = [cpuPool('p2')];
    await node.untilReady('p2');
    expect(await node.untilResidency('a', 'failed')).toMatchObject({ last_error: expect.stringContaining('has no pool p1, only p2') });
  });

  test('T-109 G-26 without a device and without permission the pool is unready, with what was looked for and the flag', async () => {
    const node = await NodeUnderTest.start({ environment: { ALLOW_CPU_POOLS: 'false' } });
    const [pool] = await node.until(() => node.pools(), (pools) => pools.length > 0);
    expect(pool).toMatchObject({ pool_id: 'n1-none', device: 'none', live: false, ready: false, last_error: expect.stringContaining('start with --allow-cpu or set ALLOW_CPU_POOLS=true') });
    const ready = await node.client.pool.request({ method: 'GET', path: '/ready' });
    expect([ready.statusCode, await ready.body.json()]).toEqual([503, { ready: false, reason: expect.stringContaining('no GPU can be used; looked for:') }]);
    await node.post(await node.aModel('a', { target: { node_id: 'n1', pool_id: 'n1-none' } }));
    expect(await node.untilResidency('a', 'failed')).toMatchObject({ last_error: expect.stringContaining('--allow-cpu') });
  });

  test('T-110 C-24 a device that does not exist makes an unready pool that names it', async () => {
    const node = await NodeUnderTest.start({ environment: { POOL_DEVICES: 'cpu,cuda:3' } });
    await node.untilReady();
    expect((await node.pools()).map(({ pool_id, ready, last_error }) => [pool_id, ready, last_error])).toEqual([
      ['n1-cpu', true, null],
      ['n1-cuda-3', false, 'device cuda:3 does not exist; found: no GPU; correct POOL_DEVICES'],
    ]);
  });

  test('C-26 a search for devices that fails is said and repeated', async () => {
    const inner = scriptedEngine();
    let tries = 0;
    const discover = () => ((tries += 1) === 1 ? Promise.reject(new Error('the driver hangs')) : inner.discover());
    const node = await NodeUnderTest.start({ engine: { ...inner, discover }, settings: { devices: { rediscover_ms: 2_000 } } });
    const [pool] = await node.until(() => node.pools(), (pools) => pools.length > 0);
    expect(pool?.last_error).toContain('the driver hangs');
    await node.untilReady();
  });
});

describe('assignments', () => {
  test('C-05 C-10 T-100 what is preloaded at the start holds the pool back until it is there', async () => {
    const controlPlane = await aControlPlane();
    const stateDir = await aStateDir();
    const maker = await NodeUnderTest.start({ stateDir });
    const a = await maker.aModel('a', { source: 'startup', tier: 'hot' });
    await maker.stop();
    controlPlane.assignments = [a];
    const node = await NodeUnderTest.start({ controlPlane, stateDir, engine: scriptedEngine({ behaviour: { preloadMs: 2_500 } }), settings: { control_plane: { settle_ms: 10_000 } } });
    await node.untilResidency('a', 'loading');
    expect((await node.pool()).ready).toBe(false);
    const ready = await node.client.pool.request({ method: 'GET', path: '/ready' });
    expect(await ready.body.json()).toEqual({ ready: false, reason: 'n1-cpu: preloading a' });
    await node.untilReady();
    expect(await node.status('a')).toMatchObject({ residency: 'resident' });
    const told = () => controlPlane.events.filter(({ type }) => type.startsWith('pool.')).map(({ type }) => type);
    expect(await node.until(told, (types) => types.length >= 2)).toEqual(['pool.unready', 'pool.ready']);
  });

  test('E-10 a full set replaces what the node has: what it lacks goes, a lower generation never wins', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.nextHeartbeatMs = 50;
    const node = await NodeUnderTest.start({ controlPlane });
    const [a, b, c] = [await node.aModel('a', { generation: 5 }), await node.aModel('b'), await node.aModel('c')];
    await node.load(a);
    await node.load(b);
    controlPlane.assignments = [{ ...a, generation: 4, wanted: 'absent' }, c];
    await node.untilResidency('c', 'resident');
    expect(await node.status('a')).toMatchObject({ residency: 'resident', generation: 5 });
    expect(await node.status('b')).toBeUndefined();
    expect((await node.pool()).replicas.map(({ model_id }) => model_id).sort()).toEqual(['a', 'c']);
  });

  test('C-140 after a restart the journal brings everything back, with its generations', async () => {
    const stateDir = await aStateDir();
    const first = await NodeUnderTest.start({ stateDir });
    const a = await first.aModel('a', { generation: 7 });
    const replicaId = await first.load(a);
    await first.controlPlane.close();
    await first.stop();
    const second = await NodeUnderTest.start({ stateDir, controlPlane: first.controlPlane });
    expect((await second.untilResidency('a', 'resident'))?.replica_id).toBe(replicaId);
    expect(await second.post({ ...a, generation: 6, wanted: 'absent' })).toEqual(['stale']);
    expect(second.running.incarnation).not.toBe(first.running.incarnation);
  });

  test('C-83 C-80 garbage is dropped with a line and a count, and the next event works', async () => {
    const node = await NodeUnderTest.start();
    await node.untilReady();
    const a = await node.aModel('a');
    const send = async (body: unknown) => (await node.client.json<{ data: { outcome: string }[] }>('POST', '/v2/events', body)).data.map(({ outcome }) => outcome);
    expect(await send({ type: 'orchestrator.load', data: { instance_id: 'x' } })).toEqual(['malformed']);
    expect(await send([1, null, {}, { type: 'orchestrator.reload' }])).toEqual(['malformed', 'malformed', 'malformed', 'ignored']);
    expect(await node.post(a)).toEqual(['accepted']);
    await node.untilResidency('a', 'resident');
    expect(node.log.filter(({ level, message }) => level === 'warn' && message === 'event dropped').length).toBe(4);
    const metrics = await node.client.pool.request({ method: 'GET', path: '/metrics' });
    expect(await metrics.body.text()).toContain('events_consumed_total{type="unknown",outcome="malformed"} 4');
    await expect(node.client.exchange('POST', '/v2/events', Array.from({ length: 101 }, () => ({})))).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  });

  test('G-20 an event for another node is acknowledged and ignored', async () => {
    const node = await NodeUnderTest.start();
    await node.untilReady();
    const a = await node.aModel('a', { target: { node_id: 'n2', pool_id: 'n2-cpu' } });
    expect(await node.post(a)).toEqual(['ignored']);
    expect(await node.status('a')).toBeUndefined();
    expect(node.log.filter(({ message }) => message === 'event taken').map(({ fields }) => fields)).toMatchObject([{ outcome: 'ignored', reason: 'it is for node n2', instance_id: 'a' }]);
  });

  test('C-140 E-08 an event that cannot be kept is not confirmed', async () => {
    const node = await NodeUnderTest.start();
    await node.untilReady();
    await rename(join(node.stateDir, 'node'), join(node.stateDir, 'elsewhere'));
    await writeFile(join(node.stateDir, 'node'), '');
    await expect(node.post(await node.aModel('a'))).rejects.toMatchObject({ code: 'EVENT_BUS_UNAVAILABLE', details: { retry_after_ms: 1_000 } });
    expect(await node.status('a')).toBeUndefined();
  });
});

describe('access', () => {
  test('P-32 P-34 with a token, every call but the open ones needs it, and the control plane gets it', async () => {
    const token = 'a-long-enough-token-for-this-test-0001';
    const node = await NodeUnderTest.start({ environment: { LLORCH_API_TOKEN: token } });
    const status = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await node.client.pool.request({ method: 'GET', path, headers });
      await answer.body.dump();
      return answer.statusCode;
    };
    expect(await Promise.all(['/health', '/metrics', '/v2/pools', '/v2/node'].map((path) => status(path)))).toEqual([200, 200, 401, 401]);
    expect([await status('/v2/pools', { authorization: 'Bearer wrong' }), await status('/v2/pools', { authorization: `Bearer ${token}` })]).toEqual([401, 200]);
    await node.until(() => node.controlPlane.registrations.length, (count) => count > 0);
    expect(node.controlPlane.authorization).toBe(`Bearer ${token}`);
  });

  test('H-01 every series of the contract is there from the start', async () => {
    const node = await NodeUnderTest.start();
    const answer = await node.client.pool.request({ method: 'GET', path: '/metrics' });
    const text = await answer.body.text();
    expect(Object.keys(POOL_MANAGERD_METRICS).filter((name) => !text.includes(`# TYPE ${name} `))).toEqual([]);
  });
});
