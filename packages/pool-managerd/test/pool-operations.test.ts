import { describe, expect, test } from '@jest/globals';
import type { Assignment, Operation } from '@corral/contracts';
import { eventsOf, scriptedEngine } from '@corral/test-kit';
import type { ScriptedBehaviour } from '@corral/test-kit';
import { NodeUnderTest } from './node-under-test.js';

/** Room for one replica of a model file of a million bytes, or for two. */
const ONE = { environment: { CPU_POOL_MEMORY_BYTES: '1500000' } };
const TWO = { environment: { CPU_POOL_MEMORY_BYTES: '3000000' } };
const QUICK_SWAP = { settings: { replicas: { swap_linger_ms: 100 } } };

async function aNode(room: typeof ONE, behaviour: ScriptedBehaviour | ((spec: { readonly modelPath: string }) => ScriptedBehaviour) = {}) {
  const node = await NodeUnderTest.start({ engine: scriptedEngine({ behaviour }), ...room, ...QUICK_SWAP });
  const [a, b] = [await node.aModel('a'), await node.aModel('b')];
  const replicaId = await node.load(a);
  return { node, a, b, replicaId };
}

const call = (node: NodeUnderTest, what: string, request?: object) => node.client.json<Operation>('POST', `/v2/pools/n1-cpu/${what}`, request);
const ended = (node: NodeUnderTest, { operation_id }: Operation) => node.until(() => node.client.json<Operation>('GET', `/v2/operations/${operation_id}`), ({ state }) => state !== 'running');
const reload = (node: NodeUnderTest, { model }: Assignment, over: object = {}) => call(node, 'reload', { new_model_ref: model.model_id, model, ...over });
const resident = async (node: NodeUnderTest) => (await node.pool()).replicas.filter(({ state }) => state === 'resident').map(({ model_id }) => model_id);
const reloads = async (node: NodeUnderTest) => {
  const answer = await node.client.pool.request({ method: 'GET', path: '/metrics' });
  return (await answer.body.text()).split('\n').filter((line) => line.startsWith('pool_reload_total{'));
};
/** The model of an instance changes, as a refresh or a manifest says. */
const turned = (of: Assignment, to: Assignment, generation: number): Assignment => ({ ...of, model: to.model, model_ref: to.model_ref, generation });
const broken = ({ modelPath }: { readonly modelPath: string }): ScriptedBehaviour => (modelPath.includes('b.gguf') ? { failPreload: 'bad_model' } : {});

describe('reload of a pool', () => {
  test.each([
    ['beside the old model, where both fit', TWO, 'beside'],
    ['after the old model has left, where they do not', ONE, 'drained_first'],
  ] as const)('C-40 C-43 T-105 a reload loads the new model %s; the pool and its device stay', async (_, room, mode) => {
    const { node, b } = await aNode(room);
    const before = await node.pool();
    const operation = await reload(node, b);
    expect(operation).toMatchObject({ kind: 'pool_reload', subject: { pool_id: 'n1-cpu' }, state: 'running' });
    expect(await ended(node, operation)).toMatchObject({ state: 'succeeded', result: { model_id: 'b', previous_model_id: 'a', mode } });
    const after = await node.until(() => node.pool(), ({ replicas }) => replicas.length === 1);
    expect({ ...after, model_id: 'a' }).toMatchObject({ pool_id: before.pool_id, device: before.device, device_mask: before.device_mask, model_id: before.model_id, ready: true, live: true });
    expect([after.model_id, after.changes, await reloads(node)]).toEqual(['b', [expect.objectContaining({ kind: 'reload', operation_id: operation.operation_id })], ['pool_reload_total{pool_id="n1-cpu",outcome="succeeded"} 1']]);
  });

  test.each([
    ['beside it', TWO],
    ['after it was drained', ONE],
  ] as const)('C-40 T-104 where the new model cannot be loaded %s, the old one serves as before, and everybody is told', async (_, room) => {
    const { node, a, b } = await aNode(room, broken);
    const failed = await ended(node, await reload(node, b));
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONFLICT', message: expect.stringContaining('b cannot be loaded') } });
    expect(await resident(node)).toEqual(['a']);
    expect(await node.pool()).toMatchObject({ ready: true, last_error: expect.stringContaining('b cannot be loaded') });
    const replicaId = (await node.untilResidency(a.instance_id, 'resident'))?.replica_id ?? '';
    const answer = await node.task({ replica_id: replicaId, max_tokens: 2 });
    expect([answer.statusCode, eventsOf(await answer.body.text()).at(-1)?.event]).toEqual([200, 'end']);
    expect(await reloads(node)).toEqual(['pool_reload_total{pool_id="n1-cpu",outcome="failed"} 1']);
  });

  test('C-41 what outlives the deadline of a reload that has to drain first ends it, and goes on', async () => {
    const { node, b, replicaId } = await aNode(ONE, { tokens: 120, tokenDelayMs: 20 });
    const answer = await node.task({ replica_id: replicaId });
    const failed = await ended(node, await reload(node, b, { deadline_ms: 300 }));
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONFLICT', message: expect.stringContaining('did not end before the deadline') } });
    expect(await resident(node)).toEqual(['a']);
    expect(eventsOf(await answer.body.text()).at(-1)).toMatchObject({ event: 'end', data: { tokens_out: 120 } });
  });

  test('C-42 a reload to what is loaded succeeds and loads nothing', async () => {
    const { node, a, replicaId } = await aNode(ONE);
    const pid = (await node.pool()).replicas[0]?.pid;
    expect(await ended(node, await reload(node, a))).toMatchObject({ state: 'succeeded', result: { replica_id: replicaId, mode: 'unchanged' } });
    expect((await node.pool()).replicas.map((replica) => replica.pid)).toEqual([pid]);
  });

  test('C-262 T-245 a change holds until the control plane wants the same, and is over when it wants something else', async () => {
    const { node, a, b } = await aNode(ONE);
    await ended(node, await reload(node, b));
    await node.post({ ...a, generation: 2, wanted: 'on_disk' }, b);
    expect(await node.until(() => node.pool(), ({ changes }) => changes === undefined)).toMatchObject({ model_id: 'b' });
    await ended(node, await reload(node, a));
    expect((await node.pool()).changes).toEqual([expect.objectContaining({ kind: 'reload' })]);
    await node.post({ ...b, generation: 2 });
    await node.until(() => node.pool(), ({ changes, model_id }) => changes === undefined && model_id === 'b');
  });

  test('B-102 a reload clashes with another one and with a drain, and a name that nobody knows is 404', async () => {
    const { node, a, b } = await aNode(TWO, ({ modelPath }) => (modelPath.includes('b.gguf') ? { preloadMs: 3_000 } : {}));
    const first = await reload(node, b);
    await expect(reload(node, a)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining(first.operation_id) });
    await expect(call(node, 'drain')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await node.pool()).operation).toEqual({ kind: 'reload', operation_id: first.operation_id });
    await ended(node, first);
    await expect(call(node, 'reload', { new_model_ref: 'nothing-like-it' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await ended(node, await call(node, 'drain', { deadline_ms: 0 }));
    await expect(reload(node, a)).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('is drained') });
  });
});

describe('swap of an instance', () => {
  test('C-261 T-246 an assignment with another model: the old one takes work until the new one is ready, then what runs on it ends', async () => {
    const { node, a, b, replicaId } = await aNode(TWO, ({ modelPath }) => (modelPath.includes('b.gguf') ? { preloadMs: 2_500 } : { tokens: 200, tokenDelayMs: 20 }));
    await node.post(turned(a, b, 2));
    const midway = await node.until(() => node.status('a'), (status) => status?.residency === 'loading');
    expect(midway?.previous_replica_id).toBe(replicaId);
    const answer = await node.task({ replica_id: replicaId });
    expect(answer.statusCode).toBe(200);
    await node.until(() => node.status('a'), (status) => status?.residency === 'resident' && status.generation === 2);
    expect(eventsOf(await answer.body.text()).at(-1)?.event).toBe('end');
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 1);
    const loaded = await node.until(() => node.controlPlane.events.filter(({ type }) => type === 'instance.loaded'), (events) => events.length === 2);
    expect(loaded.at(-1)?.data).toMatchObject({ reason: 'somebody asked for a; loaded beside a, which served until it was ready' });
    expect(await reloads(node)).toEqual(['pool_reload_total{pool_id="n1-cpu",outcome="succeeded"} 1']);
  });

  test('C-40 T-246 where both do not fit the old one is drained first, and comes back when the new one cannot be loaded', async () => {
    const { node, a, b } = await aNode(ONE, broken);
    await node.post(turned(a, b, 2));
    const status = await node.until(() => node.status('a'), (seen) => seen?.residency === 'failed' && seen.previous_replica_id !== undefined);
    expect(status?.last_error).toContain('serves on in its place');
    expect(await resident(node)).toEqual(['a']);
    await node.post(turned(a, a, 3));
    expect(await node.until(() => node.status('a'), (seen) => seen?.generation === 3 && seen.residency === 'resident')).toMatchObject({ last_error: null });
  });

  test('C-40 a file that cannot be had drives nobody away', async () => {
    const { node, a, b, replicaId } = await aNode(ONE);
    await node.post(turned(a, { ...b, model: { ...b.model, sources: ['file:/nowhere/b.gguf'] } }, 2));
    expect(await node.untilResidency('a', 'failed')).toMatchObject({ previous_replica_id: replicaId });
    expect(await resident(node)).toEqual(['a']);
  });
});

describe('preload', () => {
  test('C-16 C-02 a preload ends the drain, loads what is wanted and these models beside it, and says what serves', async () => {
    const { node, b } = await aNode(TWO);
    await ended(node, await call(node, 'drain', { deadline_ms: 0 }));
    const done = await ended(node, await node.client.json<Operation>('POST', '/pools/n1-cpu/preload', { models: ['b'], specs: [b.model] }));
    expect(done).toMatchObject({ kind: 'pool_preload', state: 'succeeded', result: { pool_id: 'n1-cpu' } });
    expect((done.result as { replicas: { model_id: string; pid: number }[] }).replicas.map(({ model_id, pid }) => [model_id, pid > 0]).toSorted()).toEqual([['a', true], ['b', true]]);
    expect(await node.pool()).toMatchObject({ ready: true, draining: false });
  });

  test('C-14 a preload that does not fit fails with the numbers, and what was there stays', async () => {
    const { node, b } = await aNode(ONE);
    const failed = await ended(node, await call(node, 'preload', { models: ['b'], specs: [b.model] }));
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'CONFLICT', message: expect.stringContaining('stay with a') } });
    expect(await resident(node)).toEqual(['a']);
  });
});

describe('operations and faults', () => {
  test('C-260 T-247 a daemon that stops in the middle of a reload ends the operation with the reason, and starts with what the control plane wants', async () => {
    const { node, b } = await aNode(TWO, ({ modelPath }) => (modelPath.includes('b.gguf') ? { preloadMs: 60_000 } : {}));
    const operation = await reload(node, b);
    const waiting = node.client.json('POST', '/v2/pools/n1-cpu/drain?wait=true', {}).catch((error: unknown) => error);
    expect(await waiting).toMatchObject({ code: 'CONFLICT' });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 2);
    await node.stop();
    const again = await NodeUnderTest.start({ stateDir: node.stateDir, controlPlane: node.controlPlane, ...TWO });
    await again.untilResidency('a', 'resident');
    expect(await resident(again)).toEqual(['a']);
    await expect(again.client.json('GET', `/v2/operations/${operation.operation_id}`)).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('do not survive') });
  });

  test('T-103 C-44 G-11 a drain that is waited for answers at its end with what was cut; undone it says so', async () => {
    const { node, replicaId } = await aNode(ONE, { tokens: 10_000, tokenDelayMs: 20 });
    const running = await node.task({ replica_id: replicaId });
    const undone = node.client.json('POST', '/v2/pools/n1-cpu/drain?wait=true', { deadline_ms: 60_000 }).catch((error: unknown) => error);
    await node.until(() => node.pool(), ({ draining }) => draining);
    await node.client.json('POST', '/v2/pools/n1-cpu/drain', { cancel: true });
    expect(await undone).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('was undone') });
    const done = await node.client.json<Operation>('POST', '/v2/pools/n1-cpu/drain?wait=true', { deadline_ms: 100 });
    expect(done).toMatchObject({ state: 'succeeded', result: { cut: 1 } });
    expect(eventsOf(await running.body.text()).at(-1)).toMatchObject({ event: 'error' });
    expect(await node.pool()).toMatchObject({ live: false, ready: false, replicas: [] });
  });
});

test('T-111 C-71 a reload to a staged model is a hit of the staging area, one to a model on disk is none', async () => {
  const { node, b, a } = await aNode(ONE);
  const hits = async () => {
    const answer = await node.client.pool.request({ method: 'GET', path: '/metrics' });
    return Number(/model_cache_hits(?:_total)?(?:\{[^}]*\})? (\d+)/.exec(await answer.body.text())?.[1] ?? 0);
  };
  await node.until(() => node.client.json<{ data: { model_id: string; state: string }[] }>('GET', '/v2/cache'), ({ data }) => data.some(({ model_id, state }) => model_id === 'a' && state === 'staged'));
  const before = await hits();
  await ended(node, await reload(node, b));
  expect(await hits()).toBe(before);
  await ended(node, await reload(node, a));
  expect(await hits()).toBe(before + 1);
});
