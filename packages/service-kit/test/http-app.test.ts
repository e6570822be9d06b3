import { ApiError, validator } from '@corral/contracts';
import { expect, test } from '@jest/globals';
import { Type } from '@sinclair/typebox';
import { connect } from 'node:net';
import { request } from 'undici';
import {
  authGate,
  body,
  callerOf,
  createHttpApp,
  currentCorrelation,
  knownRoutes,
  lenientBody,
  listen,
  optionalBody,
  rawBody,
  recordingLog,
  silentLog,
  type HttpAppOptions,
} from '../src/index.js';

const Thing = validator(
  Type.Object(
    {
      name: Type.String(),
      size: Type.Optional(Type.Integer({ minimum: 1 })),
      inner: Type.Optional(Type.Object({ a: Type.Integer() }, { additionalProperties: false })),
    },
    { additionalProperties: false },
  ),
);

const routes: HttpAppOptions['routes'] = (app) => {
  app.get('/health', (_req, res) => void res.json({ status: 'ok' }));
  app.get('/v2/things/:id', (req, res) => void res.json({ id: req.params.id, correlation: currentCorrelation() }));
  app.post('/v2/things', (req, res) => void res.status(201).json(body(Thing, req)));
  app.delete('/v2/things/:id', (_req, res) => void res.status(204).end());
  app.post('/v2/maybe', (req, res) => void res.json({ value: optionalBody(Thing, req) }));
  app.post('/v1/things', (req, res) => void res.json(lenientBody(Thing, req)));
  app.post('/v2/raw', (req, res) => void res.end(rawBody(req)));
  app.get('/v2/whoami', (req, res) => void res.json(callerOf(req)));
  app.get('/v2/broken', () => Promise.reject(new Error('secret detail')));
  app.get('/v2/full', () => {
    throw new ApiError('ADMISSION_REJECT', 'the queue is full; try later', { retry_after_ms: 1_500, policy_label: 'reject' });
  });
  app.get('/v2/half', (_req, res) => {
    res.write('begun');
    throw new Error('too late');
  });
};

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

async function withApp(
  options: Partial<HttpAppOptions>,
  work: (
    call: (method: string, path: string, init?: { headers?: Record<string, string>; body?: string | Buffer }) => Promise<Reply>,
    port: number,
  ) => Promise<void>,
): Promise<void> {
  const server = await listen(createHttpApp({ log: silentLog, routes, ...options }), { host: '127.0.0.1', port: 0 }, { log: silentLog });
  try {
    await work(async (method, path, { headers = {}, body: sent } = {}) => {
      const answer = await request(`${server.url}${path}`, { method: method as 'GET', headers, body: sent ?? null });
      const text = await answer.body.text();
      const isJson = String(answer.headers['content-type']).startsWith('application/json');
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text,
        json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
      };
    }, server.port);
  } finally {
    await server.close(0);
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What the server sends back for bytes that need not be HTTP. */
function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('close', () => resolve(text)).on('error', reject);
  });
}

test("B-01 the caller's correlation id comes back on 200, 201, 204, 4xx and 5xx, and is current while the handler runs", () =>
  withApp({}, async (call) => {
    const headers = { 'X-Correlation-Id': 'abc' };
    const replies = await Promise.all([
      call('GET', '/v2/things/1', { headers }),
      call('POST', '/v2/things', { headers: { ...headers, ...JSON_TYPE }, body: '{"name":"x"}' }),
      call('DELETE', '/v2/things/1', { headers }),
      call('GET', '/nowhere', { headers }),
      call('PATCH', '/v2/things', { headers }),
      call('GET', '/v2/broken', { headers }),
      call('OPTIONS', '/v2/things', { headers }),
    ]);
    expect(replies.map((reply) => [reply.status, reply.headers['x-correlation-id']])).toEqual(
      [200, 201, 204, 404, 405, 500, 204].map((status) => [status, 'abc']),
    );
    expect(replies[0]?.json).toEqual({ id: '1', correlation: 'abc' });
  }));

test('B-01 without an id, or with one that may not be echoed, a fresh UUIDv4', () =>
  withApp({}, async (call) => {
    const sent = [undefined, undefined, '', 'a b', 'ä', 'x'.repeat(129), 'a"b'];
    const ids = await Promise.all(
      sent.map(
        async (id) =>
          (
            await call('GET', '/v2/things/1', {
              headers: id === undefined ? {} : { 'x-correlation-id': Buffer.from(id).toString('latin1') },
            })
          ).headers['x-correlation-id'],
      ),
    );
    expect(ids).toEqual(sent.map(() => expect.stringMatching(UUID)));
    expect(new Set(ids).size).toBe(sent.length);
    expect(
      (await call('GET', '/v2/things/1', { headers: { 'x-correlation-id': `a.B_9:-${'x'.repeat(121)}` } })).headers['x-correlation-id'],
    ).toHaveLength(128);
  }));

test('B-01 B-03 what the HTTP parser refuses has code, message and correlation id too', () =>
  withApp({}, async (_call, port) => {
    const [bad, huge] = await Promise.all([
      sendBytes(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Correlation-Id: abc\r\nbroken header\r\n\r\n'),
      sendBytes(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'y'.repeat(20_000)}\r\n\r\n`),
    ]);
    const [head = '', text = ''] = bad.split('\r\n\r\n');
    expect(head.split('\r\n')).toEqual(expect.arrayContaining(['HTTP/1.1 400 Bad Request', 'X-Correlation-Id: abc', 'Connection: close']));
    expect(JSON.parse(text)).toEqual({
      code: 'INVALID_PARAMS',
      message: expect.stringContaining('not a valid HTTP/1.1 request'),
      retriable: false,
    });
    expect(huge).toMatch(/^HTTP\/1\.1 431 [\s\S]*X-Correlation-Id: [0-9a-f-]{36}\r\n[\s\S]*"code":"INVALID_PARAMS"/);
  }));

test('B-03 an ApiError is answered as it is, with Retry-After in whole seconds', () =>
  withApp({}, async (call) => {
    const reply = await call('GET', '/v2/full');
    expect(reply.json).toEqual({
      code: 'ADMISSION_REJECT',
      message: 'the queue is full; try later',
      retriable: true,
      retry_after_ms: 1_500,
      policy_label: 'reject',
    });
    expect([reply.status, reply.headers['retry-after'], reply.headers['x-backoff-ms']]).toEqual([429, '2', '1500']);
  }));

test('B-03 B-08 an unexpected error tells the client nothing and the log everything', async () => {
  const { log, lines } = recordingLog();
  await withApp({ log }, async (call) => {
    const reply = await call('GET', '/v2/broken', { headers: { 'x-correlation-id': 'c1' } });
    expect([reply.status, reply.json]).toEqual([
      500,
      { code: 'INTERNAL', message: 'internal error; look for the correlation id in the log', retriable: false },
    ]);
  });
  expect(lines.filter(({ level }) => level === 'error')).toEqual([
    {
      level: 'error',
      message: 'request failed',
      fields: expect.objectContaining({
        correlation_id: 'c1',
        path: '/v2/broken',
        status: 500,
        error: expect.objectContaining({ message: 'secret detail', stack: expect.any(String) }),
      }),
    },
  ]);
});

test('B-03 a failure after the head cuts the connection instead of pretending an end', () =>
  withApp({}, async (call) => {
    await expect(call('GET', '/v2/half')).rejects.toThrow();
  }));

test('B-03 nothing at a path: 404 that names what is near; another method: 405 that names those there are', () =>
  withApp({}, async (call) => {
    const [missing, far, method] = await Promise.all([
      call('GET', '/v2/thing/7'),
      call('GET', '/zzzzzzzzzzzz'),
      call('PUT', '/v2/things/7'),
    ]);
    expect([missing?.status, missing?.json]).toEqual([
      404,
      { code: 'NOT_FOUND', message: 'there is nothing at /v2/thing/7; did you mean /v2/things/7 or /v2/things?', retriable: false },
    ]);
    expect(far?.json['message']).toBe('there is nothing at /zzzzzzzzzzzz; GET /openapi.json lists what there is');
    expect([method?.status, method?.headers['allow'], method?.json['code']]).toEqual([405, 'DELETE, GET, HEAD', 'METHOD_NOT_ALLOWED']);
  }));

test('B-05 errors under /v1 have the shape that OpenAI clients read', () =>
  withApp({}, async (call) => {
    const [missing, invalid] = await Promise.all([
      call('GET', '/v1/replicasets'),
      call('POST', '/v1/things', { headers: JSON_TYPE, body: '{"name":1}' }),
    ]);
    expect([missing?.status, missing?.json]).toEqual([
      404,
      { error: expect.objectContaining({ code: 'NOT_FOUND', type: 'invalid_request_error', param: null }) },
    ]);
    expect([invalid?.status, invalid?.json]).toEqual([
      400,
      { error: expect.objectContaining({ code: 'INVALID_PARAMS', param: 'name', field: 'name' }) },
    ]);
  }));

test('B-06 bodies are JSON in UTF-8: anything else is 415 or 400 with the place of the mistake', () =>
  withApp({}, async (call) => {
    const post = async (type: string | undefined, sent: string | Buffer, more: Record<string, string> = {}) => {
      const { status, json } = await call('POST', '/v2/things', {
        headers: { ...(type === undefined ? {} : { 'content-type': type }), ...more },
        body: sent,
      });
      return [status, json['code'] ?? json['name'], json['message']];
    };
    expect(await post('application/json; charset="UTF-8"', '\uFEFF{"name":"ä"}')).toEqual([201, 'ä', undefined]);
    expect(await post('application/cloudevents+json', '{"name":"x"}')).toEqual([201, 'x', undefined]);
    expect(await post('text/plain', '{"name":"x"}')).toEqual([
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'a body of type text/plain is not read; send "Content-Type: application/json"',
    ]);
    expect(await post(undefined, '{"name":"x"}')).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE', expect.stringContaining('type (none)')]);
    expect(await post('application/json; charset=latin1', '{}')).toEqual([
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'a body in latin1 is not read; send UTF-8',
    ]);
    expect(await post('application/json', '{}', { 'content-encoding': 'gzip' })).toEqual([
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      expect.stringContaining('gzip'),
    ]);
    expect(await post('application/json', Buffer.from([0x22, 0xff, 0x22]))).toEqual([
      400,
      'INVALID_PARAMS',
      'the body is not UTF-8; encode it as UTF-8',
    ]);
    expect(await post('application/json', '{"name":\n  x}')).toEqual([
      400,
      'INVALID_PARAMS',
      'the body is not JSON at line 2 column 3; correct it there',
    ]);
    expect(await post('application/json', '{"name":"x"')).toEqual([
      400,
      'INVALID_PARAMS',
      'the JSON body stops too early, at line 1 column 12; send the rest',
    ]);
    expect(await post('application/json', '')).toEqual([
      400,
      'INVALID_PARAMS',
      'the body is missing; send JSON with "Content-Type: application/json"',
    ]);
  }));

test('B-06 a body at the limit is read, one byte more is 413, and the client that still sends gets the answer', () =>
  withApp({ bodyLimitBytes: 1_000 }, async (call, port) => {
    const sized = (bytes: number) => `{"name":"${'x'.repeat(bytes - 11)}"}`;
    expect((await call('POST', '/v2/raw', { headers: JSON_TYPE, body: sized(1_000) })).text).toHaveLength(1_000);
    const over = await call('POST', '/v2/raw', { headers: JSON_TYPE, body: sized(1_001) });
    expect([over.status, over.json]).toEqual([
      413,
      { code: 'PAYLOAD_TOO_LARGE', message: 'the body is larger than 1000 B; send less', retriable: false },
    ]);
    const big = 'z'.repeat(8 * 1_048_576);
    const chunks = `POST /v2/raw HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n800000\r\n${big}\r\n0\r\n\r\n`;
    const declared = `POST /v2/raw HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${big.length}\r\n\r\n${big}`;
    for (const bytes of [chunks, declared])
      expect(await sendBytes(port, bytes)).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close[\s\S]*"code":"PAYLOAD_TOO_LARGE"/);
  }));

test('B-03 a wrong body names the first field and every problem; unknown fields are problems', () =>
  withApp({}, async (call) => {
    const { status, json } = await call('POST', '/v2/things', { headers: JSON_TYPE, body: '{"size":0,"nmae":"x","inner":{"b":1}}' });
    expect(status).toBe(400);
    expect(json['field']).toBe('name');
    expect(
      String(json['message'])
        .split('; ')
        .filter((part) => !part.startsWith('known are'))
        .toSorted(),
    ).toEqual(['inner.a: is missing', 'inner.b: unknown field', 'name: is missing', 'nmae: unknown field', 'size: must be >= 1']);
    const array = await call('POST', '/v2/things', { headers: JSON_TYPE, body: '[]' });
    expect([array.status, array.json['message']]).toEqual([400, 'the body must be object']);
  }));

test('B-05 a lenient body leaves out unknown top-level fields and names them; inside they stay problems', () =>
  withApp({}, async (call) => {
    const post = (sent: string) => call('POST', '/v1/things', { headers: JSON_TYPE, body: sent });
    expect((await post('{"name":"x","user":"u","n":1}')).json).toEqual({ value: { name: 'x' }, ignored: ['user', 'n'] });
    expect((await post('{"name":"x"}')).json).toEqual({ value: { name: 'x' }, ignored: [] });
    const inside = await post('{"name":"x","inner":{"a":1,"name":2}}');
    expect(inside.json).toEqual({
      error: expect.objectContaining({ field: 'inner.name', message: 'inner.name: unknown field; known are a' }),
    });
    expect((await post('{"nam":"x"}')).json).toEqual({ error: expect.objectContaining({ code: 'INVALID_PARAMS', field: 'name' }) });
  }));

test('B-06 where a body may be missing, none counts as an empty object, and it is still checked', () =>
  withApp({}, async (call) => {
    const { json } = await call('POST', '/v2/maybe');
    expect(json['message']).toBe('name: is missing');
    expect((await call('POST', '/v2/maybe', { headers: JSON_TYPE, body: '{"name":"x"}' })).json).toEqual({ value: { name: 'x' } });
  }));

test('H-01 /metrics answers with the content type of the exposition format', () =>
  withApp({ metricsText: async () => 'up 1\n' }, async (call) => {
    const reply = await call('GET', '/metrics');
    expect([reply.status, reply.headers['content-type'], reply.text]).toEqual([200, 'text/plain; version=0.0.4', 'up 1\n']);
  }));

test('B-07 CORS is off by default; allowed origins may send the headers that are needed', async () => {
  const preflight = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' };
  await withApp({}, async (call) => {
    expect((await call('OPTIONS', '/v2/things', { headers: preflight })).headers['access-control-allow-origin']).toBeUndefined();
  });
  await withApp({ corsOrigins: ['https://app.example'], auth: authGate({ tokens: ['t'.repeat(32)] }) }, async (call) => {
    const [allowed, other, plain] = await Promise.all([
      call('OPTIONS', '/v2/things', { headers: preflight }),
      call('OPTIONS', '/v2/things', { headers: { ...preflight, Origin: 'https://other.example' } }),
      call('GET', '/v2/things/1', { headers: { Origin: 'https://app.example', Authorization: `Bearer ${'t'.repeat(32)}` } }),
    ]);
    expect([allowed?.status, allowed?.headers['access-control-allow-origin'], allowed?.headers['access-control-allow-headers']]).toEqual([
      204,
      'https://app.example',
      'Authorization, Content-Type, If-Match, X-Correlation-Id',
    ]);
    expect([other?.status, other?.headers['access-control-allow-origin']]).toEqual([401, undefined]);
    expect([plain?.status, plain?.headers['access-control-expose-headers']]).toEqual([200, 'X-Correlation-Id, Retry-After, X-Backoff-Ms']);
  });
});

test('B-08 answers may not be framed, sniffed or run as a page, and do not name what serves them', () =>
  withApp({}, async (call) => {
    const { headers } = await call('GET', '/v2/things/1');
    expect([
      headers['x-content-type-options'],
      headers['x-frame-options'],
      headers['content-security-policy'],
      headers['x-powered-by'],
      headers['strict-transport-security'],
    ]).toEqual(['nosniff', 'SAMEORIGIN', "default-src 'none';frame-ancestors 'none'", undefined, undefined]);
  }));

test('P-07 one line per request, with who called, how it ended and how long it took; probes only for debugging', async () => {
  const { log, lines } = recordingLog();
  await withApp({ log, auth: authGate({ tokens: [] }) }, async (call) => {
    await call('GET', '/v2/whoami', { headers: { 'x-correlation-id': 'c1' } });
    await call('GET', '/health');
    await call('GET', '/v2/full');
  });
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['info', 'request answered'],
    ['debug', 'request answered'],
    ['info', 'request refused'],
  ]);
  expect(lines[0]?.fields).toEqual({
    correlation_id: 'c1',
    method: 'GET',
    path: '/v2/whoami',
    status: 200,
    duration_ms: expect.any(Number),
    identity: 'localhost',
  });
  expect(lines[2]?.fields).toMatchObject({ code: 'ADMISSION_REJECT', status: 429 });
});

test('B-05 the routes of an app can be listed', () => {
  const app = createHttpApp({ log: silentLog, routes, metricsText: async () => '' });
  expect(
    knownRoutes(app)
      .map(({ methods, path }) => `${methods.join()} ${path}`)
      .slice(0, 4),
  ).toEqual(['GET /metrics', 'GET /health', 'GET /v2/things/:id', 'POST /v2/things']);
});

test("B-03 a path that cannot be decoded is the caller's mistake", () =>
  withApp({}, async (call) => {
    const reply = await call('GET', '/v2/things/%E0%A4%A');
    expect([reply.status, reply.json['code']]).toEqual([400, 'INVALID_PARAMS']);
  }));
