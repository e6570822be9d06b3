import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { eventually } from '@corral/test-kit';
import { createHttpClient, listen, relay, silentLog, type HttpClient, type RelayOutcome, type RelaySink } from '../src/index.js';

const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** Answers the first request of each connection with these bytes, then calls `sent`. */
async function serverOf(answer: string, sent: (socket: Socket) => void): Promise<HttpClient> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('data', () => socket.write(answer, () => sent(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return clientOf((server.address() as AddressInfo).port);
}

function clientOf(port: number): HttpClient {
  const client = createHttpClient({ baseUrl: `http://127.0.0.1:${port}` });
  cleanups.push(() => client.close());
  return client;
}

/** A reader that has room for nothing; some time after each chunk it has again, if ever. */
class SlowSink implements RelaySink {
  bytes = 0;
  /** Waits for room that are not over. */
  waits = 0;
  mostWaits = 0;
  isEnded = false;
  resume = (): void => {};
  constructor(private readonly resumeAfterMs?: number) {}
  write(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    return false;
  }
  onDrain(resume: () => void): void {
    this.waits += 1;
    this.mostWaits = Math.max(this.mostWaits, this.waits);
    this.resume = () => {
      this.waits -= 1;
      resume();
    };
    if (this.resumeAfterMs !== undefined) setTimeout(() => this.resume(), this.resumeAfterMs);
  }
  end(): void {
    this.isEnded = true;
  }
}

const through = (client: HttpClient, sink: RelaySink, path = '/'): Promise<RelayOutcome> =>
  relay({ pool: client.pool, path, body: '{}', onHead: () => sink });

const fin = (socket: Socket): void => void socket.end();
const reset = (socket: Socket): void => void socket.resetAndDestroy();
const small = 'data: 1\n\n';
const large = 'x'.repeat(1_000_000);
const closing = (length: number): string => `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
const chunked = (body: string, connection: string): string =>
  `HTTP/1.1 200 OK\r\n${connection}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`;
const CLOSE = 'Connection: close\r\n';

const whole: readonly [string, string, string][] = [
  ['a length and Connection: close', closing(small.length) + small, small],
  ['a length and Connection: close, long', closing(large.length) + large, large],
  ['no length in HTTP/1.1', `HTTP/1.1 200 OK\r\n\r\n${small}`, small],
  ['no length in HTTP/1.0, long', `HTTP/1.0 200 OK\r\n\r\n${large}`, large],
  ['chunks and Connection: close', `${chunked(small, CLOSE)}0\r\n\r\n`, small],
  ['chunks and Connection: close, long', `${chunked(large, CLOSE)}0\r\n\r\n`, large],
];
test.each(whole)('P-70 what a server sent before it hung up reaches a slow reader whole: %s', async (_name, answer, body) => {
  const client = await serverOf(answer, fin);
  for (const resumeAfterMs of body === small ? [5, 200] : [5]) {
    const sink = new SlowSink(resumeAfterMs);
    expect(await through(client, sink)).toMatchObject({ kind: 'ended', bytes: body.length });
    expect([sink.bytes, sink.isEnded, sink.mostWaits]).toEqual([body.length, true, 1]);
    await eventually('the reader has caught up, after all was over', 60_000, async () => sink.waits === 0);
  }
});

const cut: readonly [string, string, (socket: Socket) => void][] = [
  ['too little and Connection: close', closing(100) + small, fin],
  ['chunks without an end and Connection: close', chunked(small, CLOSE), fin],
  ['chunks without an end', chunked(small, ''), fin],
  ['too little and Connection: close, reset', closing(100) + small, reset],
  ['chunks without an end and Connection: close, reset', chunked(small, CLOSE), reset],
  ['chunks without an end, reset', chunked(small, ''), reset],
];
test.each(cut)('P-70 a server that hangs up in the middle breaks the answer of a paused reader, and nothing else: %s', async (_name, answer, hangUp) => {
  const sockets: Socket[] = [];
  const client = await serverOf(answer, (socket) => void sockets.push(socket));
  const sink = new SlowSink(200);
  const outcome = through(client, sink);
  await eventually('the reader is behind', 60_000, async () => sink.waits === 1 && sockets.length === 1);
  sockets.forEach(hangUp);
  expect(await outcome).toMatchObject({ kind: 'broken', beforeHead: false, bytes: small.length });
  expect([sink.isEnded, sink.mostWaits]).toEqual([false, 1]);
  await eventually('the reader has caught up, after all was over', 60_000, async () => sink.waits === 0);
});

test('P-70 B-66 what is aborted while its reader is behind stays aborted when the server hangs up as well', async () => {
  const sockets: Socket[] = [];
  const client = await serverOf(closing(large.length) + small, (socket) => void sockets.push(socket));
  const sink = new SlowSink(50);
  const stop = new AbortController();
  const outcome = relay({ pool: client.pool, path: '/', body: '{}', signal: stop.signal, onHead: () => sink });
  await eventually('the reader is behind', 60_000, async () => sink.waits === 1 && sockets.length === 1);
  const [socket] = sockets;
  const gone = once(socket!, 'close');
  stop.abort();
  socket!.end();
  expect(await outcome).toEqual({ kind: 'aborted', by: 'signal', frames: 1, bytes: small.length });
  await gone;
  await eventually('the reader has caught up, after all was over', 60_000, async () => sink.waits === 0);
  expect(sink.bytes).toBe(small.length);
});

test('P-70 B-64 a server killed while its readers are behind breaks their answers; the next one finds nobody', async () => {
  const program = `
    const server = require('node:http').createServer((req, res) => {
      if (req.url === '/close') res.setHeader('Connection', 'close');
      res.writeHead(200);
      const send = () => { while (res.write('x'.repeat(65536))); res.once('drain', send); };
      send();
    }).listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  const client = clientOf(Number(port));
  const sinks = [new SlowSink(), new SlowSink(20), new SlowSink(), new SlowSink(20)];
  const outcomes = sinks.map((sink, n) => through(client, sink, n < 2 ? '/close' : '/'));
  await eventually('all readers are behind', 60_000, async () => sinks.every(({ bytes }) => bytes > 0));
  child.kill('SIGKILL');
  await exited;
  // A stopped reader learns of it when it reads on.
  const readingOn = setInterval(() => sinks.filter(({ waits }) => waits > 0).forEach((sink) => sink.resume()), 5);
  cleanups.push(() => clearInterval(readingOn));
  expect((await Promise.all(outcomes)).map(({ kind }) => kind)).toEqual(['broken', 'broken', 'broken', 'broken']);
  expect(await through(client, new SlowSink())).toMatchObject({ kind: 'broken', beforeHead: true, cause: { code: 'ECONNREFUSED' } });
});

test('P-70 P-66 a server that closes ends the answer it is giving to a slow reader', async () => {
  const server = await listen(
    (_req, res) => {
      res.setHeader('Connection', 'close');
      res.writeHead(200);
      res.write(small);
      res.end(large);
    },
    { host: '127.0.0.1', port: 0 },
    { log: silentLog },
  );
  cleanups.push(() => server.close(0));
  const sink = new SlowSink(5);
  const outcome = through(clientOf(server.port), sink);
  await eventually('the reader is behind', 60_000, async () => sink.bytes > 0);
  await server.close(60_000);
  expect(await outcome).toMatchObject({ kind: 'ended', bytes: small.length + large.length });
});

test('P-70 P-19 a long answer of a server that hangs up is read whole', async () => {
  const body = JSON.stringify({ text: large });
  const client = await serverOf(closing(body.length) + body, fin);
  expect(await client.json('GET', '/')).toEqual({ text: large });
});
