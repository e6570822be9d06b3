import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, fetchSmolLm2, startLlamaServer, type LlamaServer } from '@corral/test-kit';
import { poolsAt, startSystem, type PoolSeen, type System } from '../faults/served-system.js';
import { call, tiny, type Answer, type Tiny } from '../served.js';

const PATIENCE_MS = 240_000;
/** An answer that fills it runs for many seconds. */
const CONTEXT = 16_384;

let model: Tiny;
let system: System;
let node = '';
const servers = new Map<string, LlamaServer>();
beforeAll(async () => {
  model = await tiny({ endless: true, embedding: 256, sizeBytes: 20_000_000, contextTokens: 32_768 }, { context: CONTEXT, slots: 1 });
  servers.set('real', await startLlamaServer({ modelPath: await fetchSmolLm2(), contextTokens: 1_024, slots: 2 }));
  servers.set('tiny', await startLlamaServer({ modelPath: model.path, contextTokens: CONTEXT, slots: 2 }));
  // A machine that is busy loads slowly.
  system = await startSystem({ models: { endless: model.model }, env: { DEMAND_LOAD_WAIT_MS: '180000' } });
  node = await eventually('the node reports', PATIENCE_MS, async () => ((await call(url(), 'GET', '/v2/nodes')).body['data'] as { node_id: string }[])[0]?.node_id);
}, PATIENCE_MS * 4);
afterAll(async () => {
  await system?.stop();
  for (const server of servers.values()) await server.stop();
  await model?.remove();
}, PATIENCE_MS);

const url = (): string => system.corral.url;
const serverOf = (name: string): LlamaServer => servers.get(name) ?? (() => { throw new Error(`no server ${name}`); })();
const poolIdOf = (engineId: string): string => `${node}-external-${engineId}`;
const poolOf = async (engineId: string): Promise<PoolSeen | undefined> => (await poolsAt(url())).find(({ pool_id }) => pool_id === poolIdOf(engineId));
const isReady = (engineId: string, ready: boolean): Promise<PoolSeen> => eventually(`${engineId} is ${ready ? 'ready' : 'unready'}`, PATIENCE_MS, async () => {
  const pool = await poolOf(engineId).catch(() => undefined);
  return pool?.ready === ready && pool;
});
const complete = (body: object): Promise<Answer> => call(url(), 'POST', '/v1/completions', { model: 'endless', prompt: 'Hi', max_tokens: 4, ...body });

/** Adds a server and waits until its pool takes tasks. */
async function attach(engineId: string, body: object): Promise<Record<string, unknown>> {
  const ended = await toItsEnd(`/v2/nodes/${node}/engines`, { mode: 'external', engine_id: engineId, ...body });
  expect(ended).toMatchObject({ state: 'succeeded', error: null });
  await isReady(engineId, true);
  return (ended['result'] as { readonly engine: Record<string, unknown> }).engine;
}

async function toItsEnd(path: string, body?: object): Promise<Record<string, unknown>> {
  const begun = await call(url(), 'POST', path, body);
  expect([path, begun.status, begun.body['message']]).toEqual([path, 202, undefined]);
  return await eventually(`${path} has ended`, PATIENCE_MS, async () => {
    const { body: operation } = await call(url(), 'GET', `/v2/operations/${String(begun.body['operation_id'])}`);
    return operation['state'] !== 'running' && operation;
  });
}

/** The local replicas of the node: what stands before servers is none. */
const localReplicas = async (): Promise<number> => (await poolsAt(url())).filter(({ pool_id }) => !pool_id.includes('-external-')).reduce((sum, { replicas }) => sum + replicas.length, 0);

test('T-262 D-80 D-82 the model of a running llama-server is served as any other, and nothing is loaded for it', async () => {
  const engine = await attach('real', { url: serverOf('real').url, model_id: 'smollm2' });
  expect(engine).toMatchObject({ engine_id: 'real', mode: 'external', verification: { result: 'pass' }, external: { model_id: 'smollm2', pool_id: poolIdOf('real'), slots: 2, context: 1_024, capabilities: ['completion', 'chat', 'stream', 'usage', 'cancel', 'seed'] } });
  expect(await poolOf('real')).toMatchObject({ engine: 'llama-server', slots_total: 2, replicas: [{ model_id: 'smollm2', state: 'resident', attached: true }] });

  const chat = { model: 'smollm2', messages: [{ role: 'user', content: 'What is the capital of Japan?' }], max_tokens: 24, temperature: 0, seed: 3 };
  const answer = await call(url(), 'POST', '/v1/chat/completions', chat);
  expect([answer.status, answer.headers.get('x-corral-pool')]).toEqual([200, poolIdOf('real')]);
  expect(answer.body).toMatchObject({ model: 'smollm2', choices: [{ message: { content: expect.stringContaining('Tokyo') }, finish_reason: 'stop' }], usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) } });
  const drawn = { model: 'smollm2', prompt: 'Once upon a time', max_tokens: 12, temperature: 0.9, seed: 5 };
  const [once, twice] = [await complete(drawn), await complete(drawn)];
  expect([once.status, twice.body['choices']]).toEqual([200, once.body['choices']]);
  expect(await complete({ model: 'smollm2', prompt: 'word '.repeat(2_000) })).toMatchObject({ status: 400, body: { error: { code: 'CONTEXT_LENGTH_EXCEEDED' } } });
  const { body: names } = await call(url(), 'GET', '/v1/models');
  expect((names['data'] as { id: string }[]).map(({ id }) => id)).toContain('smollm2');
  expect(await localReplicas()).toBe(0);

  expect(await call(url(), 'POST', `/v2/pools/${poolIdOf('real')}/reload`, { new_model_ref: 'endless' })).toMatchObject({ status: 409, body: { message: expect.stringMatching(/is a server that runs by itself and serves smollm2; change its model where it runs/) } });
  expect(await call(url(), 'POST', `/v2/nodes/${node}/engines/real/use`)).toMatchObject({ status: 409 });
  expect(await call(url(), 'POST', `/v2/nodes/${node}/engines`, { mode: 'external', url: 'http://192.0.2.7:8080' })).toMatchObject({ status: 400, body: { field: 'url', message: expect.stringMatching(/neither this node nor a private address/) } });
}, PATIENCE_MS * 3);

test('T-263 D-83 a server that goes away makes its pool unready with the reason, and is taken back without a restart', async () => {
  const { pool_managerd: pid } = system.corral.ready.pids;
  const server = serverOf('real');
  await server.stop();
  const away = await isReady('real', false);
  expect(away.last_error).toMatch(/^the server of engine real does not answer: .*; start it again, or look at its log$/);
  const refused = await call(url(), 'POST', '/v1/chat/completions', { model: 'smollm2', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 4 });
  expect([refused.status, refused.body['error']]).toEqual([503, expect.objectContaining({ code: 'POOL_UNAVAILABLE', message: expect.stringMatching(/smollm2 is on a server that is away \(pool .*start it again/) })]);

  servers.set('real', await startLlamaServer({ modelPath: await fetchSmolLm2(), contextTokens: 1_024, slots: 2, port: server.port }));
  await isReady('real', true);
  const again = await eventually('it answers again', PATIENCE_MS, async () => {
    const answer = await call(url(), 'POST', '/v1/chat/completions', { model: 'smollm2', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 4 });
    return answer.status === 200 && answer;
  });
  expect([again.headers.get('x-corral-pool'), system.corral.ready.pids.pool_managerd]).toEqual([poolIdOf('real'), pid]);
}, PATIENCE_MS * 3);

test('T-264 D-82 D-83 D-84 tasks go to a server while it answers, to a local replica while it is away; it is not removed under a request', async () => {
  await attach('second', { url: serverOf('tiny').url, model_id: 'endless' });
  const there = await complete({});
  expect([there.status, there.headers.get('x-corral-pool'), await localReplicas()]).toEqual([200, poolIdOf('second'), 0]);

  const leave = new AbortController();
  const stream = await fetch(new URL('/v1/completions', url()), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'endless', prompt: 'Hi', max_tokens: 16_000, stream: true }), signal: leave.signal });
  const reader = stream.body?.getReader();
  expect([stream.status, (await reader?.read())?.done]).toEqual([200, false]);
  expect(await call(url(), 'DELETE', `/v2/nodes/${node}/engines/second`)).toMatchObject({ status: 409, body: { code: 'ENGINE_IN_USE', message: expect.stringMatching(/1 request in pool .*; drain that pool first/) } });
  leave.abort();
  await reader?.cancel().catch(() => undefined);
  await eventually('its slot is free', PATIENCE_MS, async () => (await poolOf('second'))?.active_leases === 0);
  await eventually('the server has stopped too', PATIENCE_MS, async () => ((await (await fetch(`${serverOf('tiny').url}/slots`)).json()) as { is_processing: boolean }[]).every(({ is_processing }) => !is_processing));

  await serverOf('tiny').stop();
  const here = await complete({});
  expect([here.status, here.headers.get('x-corral-pool'), here.body['error']]).toEqual([200, expect.not.stringContaining('-external-'), undefined]);
  expect(await localReplicas()).toBe(1);
  expect((await call(url(), 'DELETE', `/v2/nodes/${node}/engines/second`)).status).toBe(204);
  await eventually('its pool is gone', PATIENCE_MS, async () => (await poolOf('second')) === undefined);
}, PATIENCE_MS * 3);
