import { describe, expect, test } from '@jest/globals';
import { USAGE_TRAILER } from '@corral/contracts';
import { eventsOf, scriptedEngine } from '@corral/test-kit';
import type { ScriptedBehaviour } from '@corral/test-kit';
import { NodeUnderTest, workerPids } from './node-under-test.js';

async function aLoadedNode(behaviour: ScriptedBehaviour = {}, options: Parameters<typeof NodeUnderTest.start>[0] = {}) {
  const node = await NodeUnderTest.start({ engine: scriptedEngine({ behaviour }), ...options });
  const a = await node.aModel('a');
  const replicaId = await node.load(a);
  return { node, a, replicaId };
}
const slots = async (node: NodeUnderTest) => {
  const { slots_total, slots_free, active_leases } = await node.pool();
  return [slots_total, slots_free, active_leases];
};

describe('dispatch', () => {
  test('C-146 C-02 the answer of the worker passes through byte for byte, with its trailer', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: ['The', ' end', '.'] });
    const answer = await node.task({ replica_id: replicaId, annotations: { pool_id: 'n1-cpu' } });
    const text = await answer.body.text();
    expect([answer.statusCode, answer.headers['content-type'], answer.headers['x-accel-buffering']]).toEqual([200, 'text/event-stream; charset=utf-8', 'no']);
    expect(eventsOf(text).map(({ event, data }) => [event, event === 'token' ? data : null])).toEqual([
      ['token', { t: 'The', i: 0 }],
      ['token', { t: ' end', i: 1 }],
      ['token', { t: '.', i: 2 }],
      ['end', null],
    ]);
    expect(JSON.parse(String(answer.trailers[USAGE_TRAILER]))).toMatchObject({ tokens_out: 3, finish_reason: 'stop' });
  });

  test('C-20 T-108 a slot is taken for as long as its request is open; one too many is refused', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 150, tokenDelayMs: 20 });
    const running = ['t1', 't2'].map((task_id) => node.task({ replica_id: replicaId, task_id }));
    await node.until(() => slots(node), ([, free]) => free === 0);
    const refused = await node.task({ replica_id: replicaId, task_id: 't3' });
    expect([refused.statusCode, await refused.body.json()]).toEqual([503, expect.objectContaining({ code: 'REPLICA_EXHAUSTED', retriable: true, pool_id: 'n1-cpu' })]);
    for (const answer of running) await (await answer).body.text();
    await node.until(() => slots(node), ([, free, leases]) => free === 2 && leases === 0);
    const again = await node.task({ replica_id: replicaId, task_id: 't4' });
    expect(again.statusCode).toBe(200);
    await again.body.text();
  });

  test.each([
    ['an unknown pool', 'n9', undefined, 404, 'NOT_FOUND'],
    ['an unknown replica', 'n1-cpu', 'r9', 404, 'NOT_FOUND'],
  ])('C-04 %s is named', async (_, poolId, replica_id, status, code) => {
    const { node, replicaId } = await aLoadedNode();
    const answer = await node.task({ replica_id: replica_id ?? replicaId }, { poolId });
    expect([answer.statusCode, await answer.body.json()]).toEqual([status, expect.objectContaining({ code, message: expect.stringContaining(replica_id ?? poolId) })]);
  });

  test('C-146 a refusal of the worker keeps its status and its words', async () => {
    const { node, replicaId } = await aLoadedNode();
    const answer = await node.task({ replica_id: replicaId, max_tokens: 100_000, overflow: 'refuse' });
    expect([answer.statusCode, await answer.body.json()]).toEqual([400, expect.objectContaining({ code: 'CONTEXT_LENGTH_EXCEEDED' })]);
    expect(await slots(node)).toEqual([2, 2, 0]);
  });

  test('C-10 T-100 before a model is resident, nothing is sent to it', async () => {
    const node = await NodeUnderTest.start({ engine: scriptedEngine({ behaviour: { preloadMs: 2_500 } }) });
    await node.untilReady();
    await node.post(await node.aModel('a'));
    const { replicas } = await node.until(() => node.pool(), ({ replicas: seen }) => seen[0]?.state === 'loading');
    const answer = await node.task({ replica_id: replicas[0]?.replica_id ?? '' });
    expect([answer.statusCode, await answer.body.json()]).toEqual([503, expect.objectContaining({ code: 'POOL_UNREADY', retriable: true })]);
    await node.untilResidency('a', 'resident');
  });

  test('C-50 a worker that dies before the first token is a refusal that may be repeated', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 5, tokenDelayMs: 5_000 }, { settings: { replicas: { probe_timeout_ms: 20_000 } } });
    const running = node.task({ replica_id: replicaId });
    await node.until(() => slots(node), ([, free]) => free === 1);
    process.kill((await node.pool()).replicas[0]?.pid ?? 0, 'SIGKILL');
    const answer = await running;
    expect([answer.statusCode, await answer.body.json()]).toEqual([503, expect.objectContaining({ code: 'WORKER_RESET', retriable: true, pool_id: 'n1-cpu' })]);
  });

  test('C-146 C-50 a worker that dies in the middle breaks its stream off, so that it cannot look whole', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 200, tokenDelayMs: 20 });
    const answer = await node.task({ replica_id: replicaId });
    expect(answer.statusCode).toBe(200);
    const [first] = (await node.pool()).replicas;
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await expect(answer.body.text()).rejects.toThrow();
    await node.until(() => node.pool(), ({ active_leases }) => active_leases === 0);
    await node.until(() => node.pool(), ({ replicas }) => replicas[0]?.state === 'resident' && replicas[0].pid !== first?.pid);
  });

  test('C-20 T-30 a caller that goes away frees its slot and ends the work', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 10_000, tokenDelayMs: 20 });
    const leave = new AbortController();
    const answer = await node.task({ replica_id: replicaId }, { signal: leave.signal });
    await node.until(() => slots(node), ([, free]) => free === 1);
    leave.abort();
    await expect(answer.body.text()).rejects.toThrow();
    await node.until(() => slots(node), ([, free]) => free === 2);
    const others = await Promise.all(['t2', 't3'].map((task_id) => node.task({ replica_id: replicaId, task_id, max_tokens: 2 })));
    expect(others.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    for (const other of others) await other.body.text();
  });

  test('T-29 G-34 a cancel ends the task, again and afterwards answers 204, and an unknown task is 404', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 10_000, tokenDelayMs: 20 });
    const cancel = async (taskId: string) => {
      const answer = await node.client.pool.request({ method: 'POST', path: `/v2/pools/n1-cpu/tasks/${taskId}/cancel` });
      await answer.body.dump();
      return answer.statusCode;
    };
    const answer = await node.task({ replica_id: replicaId, task_id: 't1' });
    expect(await cancel('t1')).toBe(204);
    await expect(answer.body.text()).rejects.toThrow();
    expect([await cancel('t1'), await cancel('t9')]).toEqual([204, 404]);
    await node.until(() => slots(node), ([, free]) => free === 2);
  });
});

describe('drain', () => {
  const drain = (node: NodeUnderTest, deadline_ms: number) => node.client.exchange('POST', '/v2/pools/n1-cpu/drain', { deadline_ms });

  test('T-102 C-44 C-21 what runs may end, nothing begins, then the pool is neither live nor ready', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 25, tokenDelayMs: 20 });
    const answer = await node.task({ replica_id: replicaId });
    expect((await drain(node, 10_000)).status).toBe(202);
    const refused = await node.task({ replica_id: replicaId, task_id: 't2' });
    expect([refused.statusCode, await refused.body.json()]).toEqual([503, expect.objectContaining({ code: 'POOL_UNREADY' })]);
    expect(eventsOf(await answer.body.text()).at(-1)).toMatchObject({ event: 'end', data: { tokens_out: 25 } });
    const pool = await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect([pool.live, pool.ready, pool.draining, pool.memory_used_bytes, workerPids()]).toEqual([false, false, true, 0, []]);
    const ready = await node.client.pool.request({ method: 'GET', path: '/ready' });
    expect([ready.statusCode, await ready.body.json()]).toEqual([503, { ready: false, reason: expect.stringContaining('the pool is drained') }]);
  });

  test('C-44 what outlives the deadline is cut with an error event, and the engine is gone', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 10_000, tokenDelayMs: 20 });
    const answer = await node.task({ replica_id: replicaId });
    await drain(node, 200);
    expect(eventsOf(await answer.body.text()).at(-1)).toMatchObject({ event: 'error', data: { code: 'SHUTTING_DOWN' } });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(workerPids()).toEqual([]);
  });

  test('C-44 a second drain may shorten the first', async () => {
    const { node, replicaId } = await aLoadedNode({ tokens: 10_000, tokenDelayMs: 20 });
    const answer = await node.task({ replica_id: replicaId });
    await drain(node, 60_000);
    await drain(node, 0);
    await answer.body.text();
    expect(await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0)).toMatchObject({ live: false, active_leases: 0 });
  });

  test('C-44 the end of a drain brings the pool and what is wanted of it back', async () => {
    const { node, a } = await aLoadedNode();
    await drain(node, 0);
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(await node.status('a')).toMatchObject({ residency: 'on_disk', last_error: expect.stringContaining('DELETE /v2/pools/n1-cpu/drain') });
    await node.client.exchange('DELETE', '/v2/pools/n1-cpu/drain');
    await node.untilResidency(a.instance_id, 'resident');
    expect(await node.pool()).toMatchObject({ live: true, ready: true, draining: false });
  });

  test('C-44 a drain of a pool that is not there is 404, a wrong body 400', async () => {
    const node = await NodeUnderTest.start();
    await node.untilReady();
    await expect(node.client.exchange('POST', '/v2/pools/n1-gpu/drain')).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'pool n1-gpu not found' });
    await expect(node.client.exchange('POST', '/v2/pools/n1-cpu/drain', { deadline: 3 })).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'deadline' } });
  });
});
