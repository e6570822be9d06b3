import { ApiError } from '@corral/contracts';
import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { eventually, FakeClock } from '@corral/test-kit';
import {
  createHttpApp,
  createHttpClient,
  isConnectionError,
  listen,
  silentLog,
  withCorrelation,
  type Clock,
  type HttpClientOptions,
} from '../src/index.js';

async function withServer(
  server: Server,
  options: Partial<HttpClientOptions>,
  work: (client: ReturnType<typeof createHttpClient>, port: number) => Promise<void>,
): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createHttpClient({ baseUrl: `http://127.0.0.1:${port}`, clock: instant(), ...options });
  try {
    await work(client, port);
  } finally {
    await client.close();
    server.close();
  }
}

const withHandler = (
  handler: RequestListener,
  options: Partial<HttpClientOptions>,
  work: (client: ReturnType<typeof createHttpClient>) => Promise<void>,
) => withServer(createServer(handler), options, work);

/** Waits of up to two seconds take no time; longer ones are limits that must not strike. */
function instant(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: (ms, signal) => {
      if (ms > 2_000)
        return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
      slept.push(ms);
      return Promise.resolve();
    },
  };
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  );

test('B-02 P-32 a call carries the token, the current correlation id and JSON, and gives back JSON', () =>
  withHandler(
    (req, res) => {
      let body = '';
      req
        .on('data', (chunk: Buffer) => (body += chunk.toString()))
        .on('end', () => {
          const { authorization, 'x-correlation-id': id, 'content-type': type, 'x-extra': extra } = req.headers;
          res.end(JSON.stringify({ method: req.method, url: req.url, authorization, id, type, extra, body }));
        });
    },
    { token: 'secret' },
    async (client) => {
      expect(await withCorrelation('abc', () => client.json('POST', '/v2/x?y=1', { n: 1 }, { headers: { 'x-extra': 'e' } }))).toEqual({
        method: 'POST',
        url: '/v2/x?y=1',
        authorization: 'Bearer secret',
        id: 'abc',
        type: 'application/json',
        extra: 'e',
        body: '{"n":1}',
      });
      expect(await client.json('GET', '/')).toEqual({ method: 'GET', url: '/', authorization: 'Bearer secret', body: '' });
    },
  ));

test('B-02 a path in the base address comes first, and an answer without a body is undefined', () =>
  withServer(
    createServer((req, res) => (req.url === '/base/x' ? res.writeHead(204).end() : res.writeHead(500).end())),
    {},
    async (_client, port) => {
      const client = createHttpClient({ baseUrl: `http://127.0.0.1:${port}/base/` });
      expect(await client.exchange('DELETE', '/x')).toMatchObject({ status: 204, body: undefined });
      await client.close();
    },
  ));

test('B-03 a refusal of a daemon is the same ApiError here, on /v1 too', async () => {
  const details = { hint: 'wait', field: 'x', retry_after_ms: 500, policy_label: 'reject', pool_id: 'p1', engine: 'e' };
  const app = createHttpApp({
    log: silentLog,
    routes: (routes) => {
      for (const path of ['/v1/x', '/v2/x']) {
        routes.post(path, () => {
          throw new ApiError('ADMISSION_REJECT', 'full', details);
        });
      }
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
  const client = createHttpClient({ baseUrl: server.url });
  for (const path of ['/v1/x', '/v2/x'])
    expect(await failure(client.json('POST', path))).toMatchObject({
      name: 'ApiError',
      code: 'ADMISSION_REJECT',
      message: 'full',
      details,
    });
  await client.close();
  await server.close(0);
});

test('P-19 a peer that is not there: four attempts for idempotent calls, one for others, then a ConnectionError', async () => {
  const clock = instant();
  const client = createHttpClient({ baseUrl: 'http://127.0.0.1:1', clock, random: () => 0.999 });
  const refused = await failure(client.json('GET', '/'));
  expect([isConnectionError(refused), refused]).toEqual([
    true,
    expect.objectContaining({
      peer: '127.0.0.1:1',
      causeCode: 'ECONNREFUSED',
      reached: false,
      message: 'cannot reach 127.0.0.1:1 (ECONNREFUSED); check that it runs and that the address is right',
    }),
  ]);
  expect(clock.slept).toEqual([100, 200, 400]);
  for (const [method, options] of [
    ['POST', {}],
    ['GET', { idempotent: false }],
  ] as const)
    expect(isConnectionError(await failure(client.json(method, '/', undefined, options)))).toBe(true);
  expect(clock.slept).toHaveLength(3);
  expect(isConnectionError(await failure(client.json('POST', '/', {}, { idempotent: true })))).toBe(true);
  expect(clock.slept).toHaveLength(6);
  await client.close();
});

test('P-19 a connection that is cut is tried again when that does no harm, and a POST is sent once', async () => {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    socket
      .on('error', () => {})
      .once('data', () => (connections % 3 === 0 ? socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}') : socket.destroy()));
  });
  await withServer(server, {}, async (client) => {
    expect(await client.json('GET', '/')).toEqual({});
    expect(connections).toBe(3);
    expect(await failure(client.json('POST', '/', {}))).toMatchObject({ name: 'ConnectionError', reached: true });
    expect(connections).toBe(4);
  });
});

test('P-19 a refusal is an answer and not tried again; the failure of a proxy is', async () => {
  const seen: string[] = [];
  await withHandler(
    (req, res) => {
      seen.push(req.url ?? '');
      if (req.url === '/proxy') res.writeHead(seen.length < 3 ? 502 : 200).end(seen.length < 3 ? '<html>' : '{}');
      else res.writeHead(503).end('{"code":"POOL_UNREADY","message":"none","retriable":true}');
    },
    {},
    async (client) => {
      expect(await client.json('GET', '/proxy')).toEqual({});
      expect(await failure(client.json('GET', '/refused'))).toMatchObject({ code: 'POOL_UNREADY' });
      expect(seen).toEqual(['/proxy', '/proxy', '/proxy', '/refused']);
    },
  );
});

test('B-03 something else on that port is told as such', () =>
  withHandler(
    (_req, res) => void res.writeHead(404).end('<h1>Not here</h1>'),
    {},
    async (client) => {
      expect(await failure(client.json('GET', '/'))).toMatchObject({
        name: 'UnexpectedAnswer',
        status: 404,
        message: expect.stringMatching(/answered 404 with "<h1>Not here<\/h1>"; check that the address is right$/),
      });
    },
  ));

test('P-19 a request has a limit of 30 s, and the limit says so', async () => {
  const clock = new FakeClock();
  let isBegun = false;
  await withHandler(
    (_req, res) => void res.write('{', () => (isBegun = true)),
    { clock },
    async (client) => {
      let error: unknown;
      const call = failure(client.json('POST', '/', {})).then((reason) => (error = reason));
      await eventually('the answer has begun', 30_000, async () => isBegun);
      await clock.advance(29_999);
      expect(error).toBeUndefined();
      await clock.advance(1);
      await call;
      expect(error).toMatchObject({
        name: 'ConnectionError',
        causeCode: 'REQUEST_TIMEOUT',
        reached: true,
        message: expect.stringContaining('did not answer in time'),
      });
      expect(clock.sleeping).toBe(0);
    },
  );
});

test('P-19 a caller that gives up gets its own reason, during the call and between attempts', async () => {
  await withHandler(
    () => {},
    {},
    async (client) => {
      const stop = new AbortController();
      const call = failure(client.json('GET', '/', undefined, { signal: stop.signal }));
      const reason = new Error('enough');
      setTimeout(() => stop.abort(reason), 20);
      expect(await call).toBe(reason);
      expect(await failure(client.json('GET', '/', undefined, { signal: stop.signal }))).toBe(reason);
    },
  );
  const clock = new FakeClock();
  const client = createHttpClient({ baseUrl: 'http://127.0.0.1:1', clock, random: () => 0.999 });
  const stop = new AbortController();
  const call = failure(client.json('GET', '/', undefined, { signal: stop.signal }));
  while (clock.nextWakeInMs !== 100) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort('given up');
  expect([await call, clock.sleeping]).toEqual(['given up', 0]);
  await client.close();
});

test('P-19 an answer without end does not fill the memory', () =>
  withHandler(
    (_req, res) => void res.end(JSON.stringify('x'.repeat(100_000))),
    { maxAnswerBytes: 50_000 },
    async (client) => {
      expect(await failure(client.json('GET', '/'))).toMatchObject({
        name: 'UnexpectedAnswer',
        message: expect.stringContaining('more than 50000 bytes'),
      });
    },
  ));
