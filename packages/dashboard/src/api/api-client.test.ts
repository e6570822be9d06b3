import { expect, test } from '@jest/globals';
import { ApiClient } from './api-client.js';

interface Call {
  readonly path: string;
  readonly init: RequestInit;
}

function clientOf(answer: (call: Call) => Response | Error, key: string | null = null) {
  const calls: Call[] = [];
  const client = new ApiClient({
    key: () => key,
    fetch: (path, init) => {
      calls.push({ path, init });
      const given = answer({ path, init });
      return given instanceof Response ? Promise.resolve(given) : Promise.reject(given);
    },
  });
  return { client, calls };
}

const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'x-correlation-id': 'c1' } });

test('U-05 the key goes as a bearer token where there is one, and no cookie with it', async () => {
  const { client, calls } = clientOf(() => json(200, { a: 1 }), 'k-1');
  expect(await client.get('/v2/pools')).toEqual({ ok: true, value: { a: 1 } });
  expect(calls[0]).toMatchObject({ path: '/v2/pools', init: { method: 'GET', headers: { authorization: 'Bearer k-1' }, credentials: 'omit', cache: 'no-store' } });
  const without = clientOf(() => json(200, {}));
  await without.client.post('/x', { tier: 'hot' });
  expect([without.calls[0]?.init.headers, without.calls[0]?.init.body]).toEqual([{ 'content-type': 'application/json' }, '{"tier":"hot"}']);
});

test('U-06 a refusal keeps the words, the hint and the correlation id of the server', async () => {
  const { client } = clientOf(() => json(503, { code: 'NODE_UNAVAILABLE', message: 'no node', retriable: true, hint: 'start one', field: 'tier', retry_after_ms: 5_000 }));
  expect(await client.post('/api/orgs/default/instances/bot/load')).toEqual({
    ok: false,
    failure: { kind: 'refused', code: 'NODE_UNAVAILABLE', message: 'no node', hint: 'start one', field: 'tier', retryAfterMs: 5_000, correlationId: 'c1' },
  });
});

test.each([
  [401, 'MISSING_TOKEN', 'key_needed'],
  [401, 'BAD_TOKEN', 'key_refused'],
  [403, 'ROLE_REQUIRED', 'not_allowed'],
  [403, 'ORG_ACCESS_DENIED', 'not_allowed'],
  [404, 'NOT_FOUND', 'refused'],
])('U-05 %d %s is %s', async (status, code, kind) => {
  const { client } = clientOf(() => json(status, { code, message: 'no', retriable: false }));
  expect(await client.get('/x')).toMatchObject({ ok: false, failure: { kind, code } });
});

test.each([
  [() => new TypeError('fetch failed'), 'orchestratord cannot be reached'],
  [() => new DOMException('late', 'TimeoutError'), 'orchestratord did not answer within 10 s'],
  [() => new Response('<html>', { status: 200 }), 'what answered is not orchestratord'],
  [() => new Response('Bad Gateway', { status: 502 }), 'the server answered 502 without saying why'],
])('U-03 what cannot be read is said in words (%#)', async (answer, message) => {
  const { client } = clientOf(answer);
  expect(await client.get('/x')).toMatchObject({ ok: false, failure: { kind: 'unreachable', message } });
});

test('U-21 other methods carry a body where there is one, and wait as long as they are told to', async () => {
  const { client, calls } = clientOf(() => new DOMException('late', 'TimeoutError'));
  expect(await client.send('PATCH', '/x', { body: { state: 'Retired' }, timeoutMs: 60_000 })).toMatchObject({ ok: false, failure: { message: 'orchestratord did not answer within 60 s' } });
  expect(calls[0]?.init).toMatchObject({ method: 'PATCH', body: '{"state":"Retired"}' });
});

test('an answer without a body is null', async () => {
  const { client } = clientOf(() => new Response('', { status: 202 }));
  expect(await client.post('/v2/pools/p1/reset')).toEqual({ ok: true, value: null });
});

test('U-30 what is read comes with its version, and a change names the version that it is of', async () => {
  const { client, calls } = clientOf(() => new Response('{"id":"tiny"}', { headers: { etag: '"v1"' } }));
  expect(await client.versioned('/v2/catalog/models/tiny')).toEqual({ ok: true, value: { value: { id: 'tiny' }, etag: '"v1"' } });
  await client.send('PUT', '/x', { ifMatch: '"v1"' });
  await client.send('PUT', '/x', { ifMatch: null });
  expect(calls.slice(1).map(({ init }) => init.headers)).toEqual([{ 'if-match': '"v1"' }, {}]);
});
