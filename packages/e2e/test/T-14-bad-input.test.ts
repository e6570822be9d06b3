import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCorral, type Corral } from '@corral/test-kit';
import { call, ONE_THREAD, tiny, type Tiny } from './served.js';

let corral: Corral;
let model: Tiny;

beforeAll(async () => {
  model = await tiny();
  corral = await startCorral({ manifest: { version: 1, models: { tiny: model.model } }, env: { ...ONE_THREAD } });
}, 600_000);

afterAll(async () => {
  await corral.stop();
  await model.remove();
});

const chat = (extra: object) => ({ model: 'tiny', messages: [{ role: 'user', content: 'x' }], ...extra });

describe('bad input', () => {
  test.each([
    ['malformed JSON', '/v2/tasks', '{"model_ref":', 400, 'INVALID_PARAMS', undefined],
    ['a wrong type', '/v2/tasks', { model_ref: 'tiny', prompt: 5 }, 400, 'INVALID_PARAMS', 'prompt'],
    ['no input', '/v2/tasks', { model_ref: 'tiny' }, 400, 'INVALID_PARAMS', 'prompt'],
    ['an unknown field', '/v2/tasks', { model_ref: 'tiny', prompt: 'x', temprature: 1 }, 400, 'INVALID_PARAMS', 'temprature'],
    ['a number out of range', '/v2/tasks', { model_ref: 'tiny', prompt: 'x', temperature: 9 }, 400, 'INVALID_PARAMS', 'temperature'],
    ['T-20 a max_tokens above the context', '/v2/tasks', { model_ref: 'tiny', prompt: 'x', max_tokens: 100_000 }, 400, 'INVALID_PARAMS', 'max_tokens'],
    ['T-20 a ctx above the context', '/v2/tasks', { model_ref: 'tiny', prompt: 'x', ctx: 100_000 }, 400, 'INVALID_PARAMS', 'ctx'],
    ['T-21 a deadline that is over', '/v2/tasks', { model_ref: 'tiny', prompt: 'x', deadline_ms: 0 }, 400, 'DEADLINE_UNMET', 'deadline_ms'],
    ['T-40 a pin to an unknown pool', '/v2/tasks', { model_ref: 'tiny', prompt: 'x', placement: { mode: 'pin', pin_pool_id: 'nope' } }, 400, 'INVALID_PARAMS', 'placement.pin_pool_id'],
    ['an unknown model', '/v2/tasks', { model_ref: 'tinny', prompt: 'x' }, 404, 'NOT_FOUND', 'model_ref'],
  ])('B-03 B-53 %s', async (_what, path, body, status, code, field) => {
    const answer = await call(corral.url, 'POST', path, body);
    expect(answer).toMatchObject({ status, body: { code, message: expect.any(String), retriable: false, ...(field === undefined ? {} : { field }) } });
    expect(answer.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(answer.body)).not.toContain('    at ');
  });

  test.each([
    ['a wrong type', chat({ messages: 'hi' }), 400, 'messages'],
    ['no messages', { model: 'tiny' }, 400, 'messages'],
    ['a number out of range', chat({ temperature: -1 }), 400, 'temperature'],
    ['a field that would change the answer', chat({ tools: [{ type: 'function', function: { name: 'f' } }] }), 400, 'tools'],
    ['an image', chat({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] }), 400, 'messages.0.content.0'],
    ['an unknown model', chat({ model: 'gpt-4' }), 404, 'model'],
  ])('B-47 on /v1: %s', async (_what, body, status, param) => {
    expect(await call(corral.url, 'POST', '/v1/chat/completions', body)).toMatchObject({ status, body: { error: { type: 'invalid_request_error', param, code: expect.any(String) } } });
  });

  test('B-47 fields that change nothing are named in a header', async () => {
    const answer = await call(corral.url, 'POST', '/v1/chat/completions', chat({ max_tokens: 2, store: true, metadata: { a: 'b' } }));
    expect([answer.status, answer.headers.get('x-corral-ignored')]).toEqual([200, 'store, metadata']);
  });

  test('B-47 a prompt that does not fit is refused with the numbers', async () => {
    const answer = await call(corral.url, 'POST', '/v1/completions', { model: 'tiny', prompt: 'a'.repeat(5_000) });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'CONTEXT_LENGTH_EXCEEDED' } } });
  });

  test('B-06 a body of 11 MiB is refused, and the client sees it', async () => {
    expect(await call(corral.url, 'POST', '/v2/tasks', { model_ref: 'tiny', prompt: 'a'.repeat(11 * 1_048_576) })).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } });
  });

  test('T-13 B-05 what /v1 does not have is 404, a wrong method 405, a wrong type 415', async () => {
    expect((await call(corral.url, 'GET', '/v1/replicasets')).status).toBe(404);
    expect((await call(corral.url, 'GET', '/v1/capabilities')).status).toBe(404);
    expect(await call(corral.url, 'DELETE', '/v2/tasks')).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
    const text = await fetch(new URL('/v2/tasks', corral.url), { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } });
    expect(text.status).toBe(415);
  });

  test('T-10 T-11 B-01 a caller keeps its correlation id; another gets a new one', async () => {
    const sent = await fetch(new URL('/health', corral.url), { headers: { 'x-correlation-id': 'abc' } });
    const twice = await Promise.all([1, 2].map(async () => (await fetch(new URL('/health', corral.url))).headers.get('x-correlation-id')));
    expect([sent.headers.get('x-correlation-id'), new Set(twice).size]).toEqual(['abc', 2]);
  });
});
