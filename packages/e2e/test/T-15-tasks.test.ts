import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import { call, eventsOf, ONE_THREAD, smollm2, tiny, type Tiny } from './served.js';

interface PoolOfList {
  readonly pool_id: string;
  readonly slots_total: number;
  readonly slots_free: number;
}

let corral: Corral;
let endless: Tiny;

beforeAll(async () => {
  endless = await tiny({ endless: true }, { context: 4_096, slots: 4 });
  corral = await startCorral({
    manifest: { version: 1, models: { smollm2: await smollm2(), endless: endless.model }, routes: { 'chat-small': { model: 'smollm2', priority: 'interactive' } } },
    env: { ...ONE_THREAD },
  });
}, 600_000);

afterAll(async () => {
  await corral.stop();
  await endless.remove();
});

const create = (body: object) => call(corral.url, 'POST', '/v2/tasks', body);
const pools = async (): Promise<readonly PoolOfList[]> => (await call(corral.url, 'GET', '/v2/pools')).body['data'] as readonly PoolOfList[];
const allSlotsFree = () => eventually('all slots free', 120_000, async () => (await pools()).every((p) => p.slots_free === p.slots_total));

describe('tasks', () => {
  test('T-15 T-16 T-17 B-20 B-21 B-51 B-61 B-63 a task is accepted, and its stream is started, tokens in order, one end', async () => {
    const accepted = await create({ model_ref: 'smollm2', messages: [{ role: 'user', content: 'What is the chemical symbol for water?' }], temperature: 0, seed: 7 });
    expect(accepted).toMatchObject({ status: 202, body: { queue_position: 0, streams: { sse: `/v2/tasks/${String(accepted.body['task_id'])}/events` } } });
    expect(JSON.stringify(accepted.body)).not.toMatch(/127\.0\.0\.1|localhost/);

    const events = await eventsOf(corral.url, String(accepted.body['task_id']));
    const tokens = events.filter((e) => e.event === 'token');
    expect(events[0]).toMatchObject({ event: 'started', data: { queue_position: 0, predicted_start_ms: expect.any(Number), seed: 7 } });
    expect(tokens.map((e) => e.data['i'])).toEqual(tokens.map((_, n) => n));
    expect(tokens.map((e) => e.data['t']).join('')).toContain('H2O');
    expect(events.filter((e) => e.event === 'end' || e.event === 'error')).toEqual([events.at(-1)]);
    const end = events.at(-1)?.data ?? {};
    expect(end).toMatchObject({ tokens_out: tokens.length, decode_ms: end['decode_time_ms'], finish_reason: 'stop', pool_id: expect.any(String) });
  });

  test('J-07 B-62 while the model loads, metrics frames say how far it is', async () => {
    const accepted = await create({ model_ref: 'endless', prompt: 'x', max_tokens: 3 });
    const events = await eventsOf(corral.url, String(accepted.body['task_id']));
    const waits = events.filter((e) => e.event === 'metrics' && e.data['waiting_for'] !== undefined);
    expect(waits.length).toBeGreaterThan(0);
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { tokens_out: 3, finish_reason: 'length' } });
  });

  test('T-33 B-70 a finished stream is replayed whole; an unknown task is 404', async () => {
    const accepted = await create({ model_ref: 'endless', prompt: 'x', max_tokens: 5 });
    const id = String(accepted.body['task_id']);
    const first = await eventsOf(corral.url, id);
    expect(await eventsOf(corral.url, id)).toEqual(first);
    expect(await call(corral.url, 'GET', '/v2/tasks/no-such-task/events')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  });

  test('T-27 T-29 B-22 B-67 cancel ends the stream with canceled, again is 204, unknown is 404, and the slot is free', async () => {
    const accepted = await create({ model_ref: 'endless', prompt: 'x', max_tokens: 4_000 });
    const id = String(accepted.body['task_id']);
    const events = eventsOf(corral.url, id);
    await eventually('the task runs', 120_000, async () => (await pools()).some((p) => p.slots_free < p.slots_total));
    expect((await call(corral.url, 'POST', `/v2/tasks/${id}/cancel`)).status).toBe(204);
    const all = await events;
    expect(all.at(-1)).toMatchObject({ event: 'end', data: { canceled: true, finish_reason: 'canceled', tokens_out: all.filter((e) => e.event === 'token').length } });
    expect((await call(corral.url, 'POST', `/v2/tasks/${id}/cancel`)).status).toBe(204);
    expect((await call(corral.url, 'POST', '/v2/tasks/no-such-task/cancel')).status).toBe(404);
    await allSlotsFree();
  });

  test('T-30 B-66 a client that goes away frees its slot', async () => {
    const accepted = await create({ model_ref: 'endless', prompt: 'x', max_tokens: 4_000 });
    const gone = new AbortController();
    const response = await fetch(new URL(`/v2/tasks/${String(accepted.body['task_id'])}/events`, corral.url), { signal: gone.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    gone.abort();
    await reader?.read().catch(() => undefined);
    await allSlotsFree();
    const chat = new AbortController();
    const stream = await fetch(new URL('/v1/completions', corral.url), {
      method: 'POST', headers: { 'content-type': 'application/json' }, signal: chat.signal,
      body: JSON.stringify({ model: 'endless', prompt: 'x', max_tokens: 4_000, stream: true }),
    });
    await stream.body?.getReader().read();
    chat.abort();
    await allSlotsFree();
  });

  test('A-70 T-25 64 streams on 4 slots start in order of class and arrival, and all complete', async () => {
    const ids: { readonly id: string; readonly priority: string }[] = [];
    for (let n = 0; n < 64; n += 1) {
      const priority = n % 4 === 3 ? 'batch' : 'interactive';
      const accepted = await create({ model_ref: 'endless', prompt: 'x', max_tokens: 40, priority });
      expect(accepted.status).toBe(202);
      ids.push({ id: String(accepted.body['task_id']), priority });
    }
    const streams = await Promise.all(ids.map(({ id }) => eventsOf(corral.url, id)));
    expect(streams.map((events) => events.at(-1)?.event)).toEqual(ids.map(() => 'end'));
    const known = new Set(ids.map(({ id }) => id));
    const started = await eventually('all are logged', 120_000, async () => {
      const lines = (await corral.logs('orchestratord')).filter((line) => line['msg'] === 'task started').map((line) => String(line['job_id']));
      const ours = lines.filter((id) => known.has(id));
      return ours.length >= ids.length && ours;
    });
    for (const priority of ['interactive', 'batch']) {
      const ofClass = ids.filter((t) => t.priority === priority).map((t) => t.id);
      expect(started.filter((id) => ofClass.includes(id))).toEqual(ofClass);
    }
    await allSlotsFree();
  }, 600_000);
});
