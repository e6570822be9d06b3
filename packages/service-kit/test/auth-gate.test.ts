import { isApiError } from '@corral/contracts';
import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { request } from 'undici';
import {
  authGate,
  createHttpApp,
  isLoopbackHost,
  listen,
  openBindProblem,
  parseAddress,
  parseBearer,
  recordingLog,
  silentLog,
  tokenMatcher,
  weakTokens,
  type GateOptions,
} from '../src/index.js';

const TOKEN = 'a-token-that-is-long-enough-for-this';
const OTHER = 'another-token-that-is-long-enough-too';
const fp6 = (token: string) => createHash('sha256').update(token).digest('hex').slice(0, 6);

async function statuses(options: GateOptions, headerSets: readonly Record<string, string>[], path = '/v2/x'): Promise<unknown[]> {
  const gate = authGate(options);
  const routes = (app: import('express').Express) => {
    for (const open of ['/health', '/ready', '/v2/x']) app.get(open, (_req, res) => void res.json({ ok: true }));
  };
  const server = await listen(
    createHttpApp({ log: silentLog, auth: gate, metricsText: async () => '', routes }),
    { host: '127.0.0.1', port: 0 },
    { log: silentLog },
  );
  const answers: unknown[] = [];
  for (const headers of headerSets) {
    const filled = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replaceAll('PORT', String(server.port))]),
    );
    const answer = await request(`${server.url}${path}`, { headers: filled });
    const text = await answer.body.text();
    answers.push(answer.statusCode === 200 ? 200 : `${answer.statusCode} ${(JSON.parse(text) as { code: string }).code}`);
  }
  await server.close(0);
  return answers;
}

test('P-33 bearer parsing: exact prefix, trimmed, not empty, no control characters, at most 8 KiB', () => {
  expect([undefined, 'Bearer abc', 'Bearer   abc  '].map(parseBearer)).toEqual([
    { kind: 'none' },
    { kind: 'token', token: 'abc' },
    { kind: 'token', token: 'abc' },
  ]);
  const malformed = [
    '',
    'abc',
    'bearer abc',
    'BEARER abc',
    'Bearer',
    'Bearer ',
    'Bearer\tabc',
    'Basic eA==',
    'Bearer a\u0007b',
    'Bearer a\u0085b',
    `Bearer ${'x'.repeat(8_192)}`,
  ];
  expect(malformed.map((header) => parseBearer(header).kind)).toEqual(malformed.map(() => 'malformed'));
  expect(parseBearer(`Bearer ${'x'.repeat(8_192 - 7)}`).kind).toBe('token');
});

test('P-32 tokens are compared by digest, whatever their length, and named by the first six hex digits', () => {
  const match = tokenMatcher([TOKEN, OTHER]);
  expect([match(TOKEN), match(OTHER), match(`${TOKEN}x`), match(TOKEN.slice(1)), match('')]).toEqual([
    fp6(TOKEN),
    fp6(OTHER),
    undefined,
    undefined,
    undefined,
  ]);
  expect(tokenMatcher([])(TOKEN)).toBeUndefined();
});

test('P-33 tokens under 32 characters are weak', () => {
  expect(weakTokens(['x'.repeat(31), 'y'.repeat(32)])).toEqual([fp6('x'.repeat(31))]);
});

test('P-34 with a token configured: none is MISSING_TOKEN, a wrong one BAD_TOKEN, each of the list is good', async () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  expect(
    await statuses({ tokens: [TOKEN, OTHER] }, [{}, bearer('wrong'), { authorization: `Basic ${TOKEN}` }, bearer(TOKEN), bearer(OTHER)]),
  ).toEqual(['401 MISSING_TOKEN', '401 BAD_TOKEN', '401 BAD_TOKEN', 200, 200]);
});

test('P-34 health, readiness and metrics need no token', async () => {
  for (const path of ['/health', '/ready', '/metrics']) expect(await statuses({ tokens: [TOKEN] }, [{}], path)).toEqual([200]);
});

test('P-34 a refusal has a hint, a challenge and no token in it', async () => {
  const { log, lines } = recordingLog();
  const server = await listen(
    createHttpApp({ log, auth: authGate({ tokens: [TOKEN], tokenVariable: 'STORE_TOKEN' }), routes: () => {} }),
    { host: '127.0.0.1', port: 0 },
    { log },
  );
  const answer = await request(`${server.url}/v2/x`, { headers: { authorization: 'Bearer guessed-token' } });
  const text = await answer.body.text();
  await server.close(0);
  expect(answer.headers['www-authenticate']).toBe('Bearer');
  expect(JSON.parse(text)).toEqual({
    code: 'BAD_TOKEN',
    message: 'the token is not one that this server accepts',
    retriable: false,
    hint: 'send "Authorization: Bearer <token>" with a token from STORE_TOKEN',
  });
  expect(text + JSON.stringify(lines)).not.toMatch(new RegExp(`guessed-token|${TOKEN}`));
});

test('P-32 the log says who called, by fingerprint', async () => {
  const { log, lines } = recordingLog();
  const server = await listen(
    createHttpApp({ log, auth: authGate({ tokens: [TOKEN] }), routes: (app) => app.get('/v2/x', (_req, res) => void res.json({})) }),
    { host: '127.0.0.1', port: 0 },
    { log: silentLog },
  );
  await (await request(`${server.url}/v2/x`, { headers: { authorization: `Bearer ${TOKEN}` } })).body.text();
  await server.close(0);
  expect(lines).toEqual([
    { level: 'info', message: 'request answered', fields: expect.objectContaining({ identity: `token:${fp6(TOKEN)}` }) },
  ]);
});

test('P-03 where the token is optional, a local caller may go without, but a wrong one is still wrong', async () => {
  const headers: Record<string, string>[] = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: `Bearer ${TOKEN}` },
    { 'x-forwarded-for': '10.0.0.1' },
  ];
  expect(await statuses({ tokens: [TOKEN], authOptional: true }, headers)).toEqual([200, '401 BAD_TOKEN', 200, '401 MISSING_TOKEN']);
  expect(await statuses({ tokens: [TOKEN], authOptional: true }, [{ authorization: 'Basic eA==' }])).toEqual(['401 BAD_TOKEN']);
});

test('P-03 without a token, a local program may call, whatever Authorization it sends out of habit', async () => {
  expect(
    await statuses({ tokens: [] }, [{}, { authorization: 'Bearer sk-none' }, { host: 'localhost:PORT' }, { host: '[::1]:PORT' }]),
  ).toEqual([200, 200, 200, 200]);
});

test('P-03 P-60 without a token, a page from elsewhere may not drive the server: foreign Host, foreign Origin', async () => {
  const headers: Record<string, string>[] = [
    { host: 'evil.example:PORT' },
    { host: '127.0.0.1.evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:1' },
    { origin: 'http://127.0.0.1:PORT' },
    { 'x-forwarded-for': '10.0.0.1' },
    { origin: 'https://mine.example' },
  ];
  const refused = '403 NON_LOOPBACK_WITHOUT_TOKEN';
  expect(await statuses({ tokens: [], allowedOrigins: ['https://mine.example'] }, headers)).toEqual([
    refused,
    refused,
    refused,
    refused,
    refused,
    200,
    refused,
    200,
  ]);
  expect(await statuses({ tokens: [TOKEN], authOptional: true }, [{ origin: 'https://evil.example' }])).toEqual([refused]);
});

test('P-03 P-60 with a good token, Host and Origin do not matter', async () => {
  const good = { authorization: `Bearer ${TOKEN}` };
  expect(
    await statuses({ tokens: [TOKEN] }, [
      { ...good, origin: 'https://app.example' },
      { ...good, host: 'corral.example' },
    ]),
  ).toEqual([200, 200]);
});

test('P-03 without a token, a caller from another machine is refused', () => {
  const req = { headers: {}, socket: { remoteAddress: '10.1.2.3', destroyed: false } };
  let thrown: unknown;
  try {
    void authGate({ tokens: [] })(req as never);
  } catch (error) {
    thrown = error;
  }
  expect(isApiError(thrown) && [thrown.code, thrown.details.hint]).toEqual([
    'NON_LOOPBACK_WITHOUT_TOKEN',
    expect.stringContaining('LLORCH_API_TOKEN'),
  ]);
});

test('P-31 an address beyond loopback without a token is a reason not to start, and the message names both ways out', () => {
  const rule = { tokens: [], field: 'addr', tokenVariable: 'STORE_TOKEN', addressVariable: 'STORE_ADDR' };
  expect(openBindProblem({ ...rule, host: '0.0.0.0' })).toEqual({
    field: 'addr',
    message: '0.0.0.0 can be reached from other machines and no token is set; set STORE_TOKEN, or bind STORE_ADDR to 127.0.0.1',
  });
  expect([
    openBindProblem({ ...rule, host: '0.0.0.0', tokens: [TOKEN] }),
    openBindProblem({ ...rule, host: '127.0.0.1' }),
    openBindProblem({ ...rule, host: '::1' }),
  ]).toEqual([undefined, undefined, undefined]);
});

test('P-31 what is loopback and what is an address', () => {
  expect(
    ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost', 'LOCALHOST.', 'a.localhost', '::ffff:127.0.0.1'].map(isLoopbackHost),
  ).toEqual(Array(8).fill(true));
  expect(['0.0.0.0', '::', '10.0.0.1', 'localhost.evil.example', '127.0.0.1.nip.io', '', '1270.0.0.1'].map(isLoopbackHost)).toEqual(
    Array(7).fill(false),
  );
  expect(['127.0.0.1:8080', 'localhost:0', '[::1]:9200'].map(parseAddress)).toEqual([
    { host: '127.0.0.1', port: 8080 },
    { host: 'localhost', port: 0 },
    { host: '::1', port: 9200 },
  ]);
  expect(['8080', ':8080', '127.0.0.1', '127.0.0.1:99999', '::1:80', '[x]:1', 'a b:1'].map(parseAddress)).toEqual(Array(7).fill(undefined));
});
