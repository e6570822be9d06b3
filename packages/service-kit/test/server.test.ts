import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { Agent, request } from 'undici';
import { FakeClock } from '@corral/test-kit';
import { createHttpApp, createHttpClient, listen, ListenError, silentLog } from '../src/index.js';

const HERE = { host: '127.0.0.1', port: 0 };
const log = silentLog;
const ok: RequestListener = (_req, res) => void res.end('ok');

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sk-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('P-01 port 0 gives a free port, and the address says which', async () => {
  const server = await listen(ok, HERE, { log });
  expect([server.url, server.port > 0, (await request(server.url)).statusCode]).toEqual([`http://127.0.0.1:${server.port}`, true, 200]);
  await server.close(0);
  await expect(request(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('P-31 a taken port is named together with the variable that changes it', async () => {
  const server = await listen(ok, HERE, { log });
  const again = listen(ok, { host: '127.0.0.1', port: server.port }, { log, addressVariable: 'STORE_ADDR' });
  await expect(again).rejects.toThrow(
    `127.0.0.1:${server.port} is taken by another program; stop that one, or set STORE_ADDR to another address`,
  );
  await expect(again).rejects.toBeInstanceOf(ListenError);
  await expect(listen(ok, { host: '192.0.2.1', port: 0 }, { log })).rejects.toMatchObject({ causeCode: 'EADDRNOTAVAIL' });
  await server.close(0);
});

test('P-66 closing lets the request that runs end, ends idle connections, and takes no new ones', async () => {
  let finish = (): void => {};
  const server = await listen((req, res) => (req.url === '/slow' ? void (finish = () => void res.end('done')) : void res.end('ok')), HERE, {
    log,
  });
  const agent = new Agent({ keepAliveTimeout: 60_000 });
  await (await request(`${server.url}/idle`, { dispatcher: agent })).body.text();
  const slow = request(`${server.url}/slow`, { dispatcher: agent });
  while (finish.toString() === '() => { }') await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const closed = server.close(60_000);
  await expect(request(server.url, { dispatcher: new Agent() })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  finish();
  expect(await (await slow).body.text()).toBe('done');
  await closed;
  await server.close(0);
  await agent.destroy();
});

test('P-66 what has not ended after the grace is cut', async () => {
  const clock = new FakeClock();
  const server = await listen((_req, res) => void res.write('begun'), HERE, { log, clock });
  const socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  socket.on('error', () => {});
  await once(socket, 'data');
  let isClosed = false;
  const closed = server.close(5_000).then(() => (isClosed = true));
  await clock.advance(4_999);
  expect([isClosed, socket.destroyed]).toEqual([false, false]);
  const gone = once(socket, 'close');
  await clock.advance(1);
  await Promise.all([closed, gone]);
  expect(clock.sleeping).toBe(0);
});

test('B-60 on a unix socket: only for this user, over a dead socket, not over a live one, and not with a path that is too long', () =>
  inFolder(async (folder) => {
    const socketPath = join(folder, 'live');
    const script = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect([spawnSync(process.execPath, ['-e', script]).signal, (await stat(socketPath)).isSocket()]).toEqual(['SIGKILL', true]);
    const first = await listen(ok, { socketPath: socketPath }, { log });
    expect([first.url, first.port, (await stat(socketPath)).mode & 0o777]).toEqual([`unix:${socketPath}`, 0, 0o600]);
    await expect(listen(ok, { socketPath: socketPath }, { log })).rejects.toMatchObject({ causeCode: 'EADDRINUSE' });
    await expect(listen(ok, { socketPath: join(folder, 'x'.repeat(100)) }, { log })).rejects.toMatchObject({ causeCode: 'ENAMETOOLONG' });
    const client = createHttpClient({ socketPath: socketPath });
    expect((await client.pool.request({ method: 'GET', path: '/' })).statusCode).toBe(200);
    await client.close();
    await first.close(0);
  }));

test('B-01 a request that does not arrive in time is answered 408 with code and correlation id', async () => {
  const { parserErrorAnswer } = await import('../src/http/parser-error.js');
  const answer = parserErrorAnswer(Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), { writable: true });
  expect(answer).toMatch(
    /^HTTP\/1\.1 408 Request Timeout\r\nX-Correlation-Id: [0-9a-f-]{36}\r\n[\s\S]*"code":"INVALID_PARAMS","message":"the request did not arrive in time; send it faster","retriable":true/,
  );
  expect(parserErrorAnswer(new Error('gone'), { writable: false })).toBeUndefined();
});

test('B-01 bytes that are no request do not get into an answer that is under way', async () => {
  const server = await listen((_req, res) => void res.write('begun'), HERE, { log });
  let text = '';
  const socket = connect(server.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => {});
  await once(socket, 'data');
  while (!text.includes('begun')) await once(socket, 'data');
  socket.write('this is not http\r\n\r\n');
  await once(socket, 'close');
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  await server.close(0);
});

test('P-36 with a CA, a client with a certificate is served and one without is not', async () => {
  const ca = await generate([{ name: 'commonName', value: 'test ca' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'basicConstraints', cA: true, critical: true }],
  });
  const leaf = (name: string) =>
    generate([{ name: 'commonName', value: name }], {
      keyType: 'ec',
      algorithm: 'sha256',
      ca: { cert: ca.cert, key: ca.private },
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
  const [own, theirs] = await Promise.all([leaf('server'), leaf('client')]);
  const app = createHttpApp({ log, routes: (routes) => routes.get('/x', (_req, res) => void res.json({ fine: true })) });
  const server = await listen(app, HERE, { log, tls: { cert: own.cert, key: own.private, ca: ca.cert } });
  expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
  const known = createHttpClient({ baseUrl: server.url, tls: { ca: ca.cert, cert: theirs.cert, key: theirs.private } });
  const stranger = createHttpClient({ baseUrl: server.url, tls: { ca: ca.cert } });
  expect(await known.json('GET', '/x')).toEqual({ fine: true });
  await expect(stranger.exchange('GET', '/x', undefined, { idempotent: false })).rejects.toMatchObject({ name: 'ConnectionError' });
  await Promise.all([known.close(), stranger.close()]);
  await server.close(0);
});

test('P-01 a plain server of node is enough to listen to', async () => {
  const server = createServer(ok).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createHttpClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  await expect(client.json('GET', '/')).rejects.toThrow('answered 200 with "ok"; check that the address is right');
  await client.close();
  server.close();
});
