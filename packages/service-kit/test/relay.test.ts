import { afterEach, expect, test } from '@jest/globals';
import { getEventListeners, once } from 'node:events';
import { Agent, createServer as createHttpServer, get, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Pool } from 'undici';
import { eventually, FakeClock } from '@corral/test-kit';
import {
  relay,
  responseSink,
  SSE_HEADERS,
  type RelayOutcome,
  type RelayRequest,
  type RelaySink,
  type ResponseSink,
  type Trailers,
} from '../src/index.js';

const cleanups: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

async function opened(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function poolTo(handler: RequestListener, connections = 8): Promise<Pool> {
  return poolOf(await opened(createHttpServer(handler)), connections);
}

function poolOf(port: number, connections = 8): Pool {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
  cleanups.push(() => pool.destroy());
  return pool;
}

class MemorySink implements RelaySink {
  readonly chunks: Buffer[] = [];
  ended: Trailers | undefined;
  hasRoom = true;
  resume: (() => void) | undefined;
  readonly gone = new AbortController();
  readonly closed = this.gone.signal;
  write(chunk: Buffer): boolean {
    this.chunks.push(Buffer.from(chunk));
    return this.hasRoom;
  }
  onDrain(resume: () => void): void {
    this.resume = resume;
  }
  end(trailers: Trailers): void {
    this.ended = trailers;
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

function start(pool: Pool, sink: RelaySink, more: Partial<RelayRequest> = {}): Promise<RelayOutcome> {
  return relay({
    pool,
    path: '/x',
    body: '{}',
    headers: { 'content-type': 'application/json' },
    onHead: (status) => (status === 200 ? sink : 'refuse'),
    ...more,
  });
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let n = 0; !condition(); n += 1) {
    if (n > 12_000) throw new Error('this did not come about in a minute');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

test('B-60 B-64 bytes pass untouched, frames are counted over chunk borders, trailers come at the end', async () => {
  const parts = ['event: a\ndata: {"t":"ä', '"}\n', '\n', 'data: 2\n\ndata: 3\n', '\ndata: 4\n\n'].map((part) => Buffer.from(part));
  // The first cut falls into a character.
  const bytes = [parts[0]!.subarray(0, 23), Buffer.concat([parts[0]!.subarray(23), parts[1]!]), ...parts.slice(2)];
  const pool = await poolTo((req, res) => {
    res.writeHead(200, { ...SSE_HEADERS, Trailer: 'x-usage' });
    const send = (n: number): void => {
      if (n < bytes.length) return void res.write(bytes[n], () => setImmediate(send, n + 1));
      res.addTrailers({ 'x-usage': '{"n":4}' });
      res.end();
    };
    req.resume().on('end', () => send(0));
  });
  const sink = new MemorySink();
  const progress: number[] = [];
  let firstBytes = 0;
  const outcome = await start(pool, sink, { onFirstByte: () => (firstBytes += 1), onProgress: (frames) => progress.push(frames) });
  const all = Buffer.concat(bytes);
  expect(outcome).toEqual({ kind: 'ended', trailers: { 'x-usage': '{"n":4}' }, frames: 4, bytes: all.length });
  expect([sink.text, sink.ended, firstBytes, progress.at(-1)]).toEqual([all.toString(), { 'x-usage': '{"n":4}' }, 1, 4]);
});

test('B-64 frames arrive one by one, not at the end', async () => {
  let release = (): void => {};
  const pool = await poolTo((_req, res) => {
    res.writeHead(200, SSE_HEADERS);
    res.write('data: 1\n\n');
    release = () => res.end('data: 2\n\n');
  });
  const sink = new MemorySink();
  const outcome = start(pool, sink);
  await until(() => sink.text === 'data: 1\n\n');
  release();
  expect(await outcome).toEqual({ kind: 'ended', trailers: {}, frames: 2, bytes: 18 });
});

test('B-64 a sink without room pauses the upstream, and going on loses nothing', async () => {
  let sent = 0;
  const total = 400;
  const block = Buffer.alloc(65_536, 'x');
  const pool = await poolTo((_req, res) => {
    res.writeHead(200);
    const send = (): void => {
      while (sent < total) {
        sent += 1;
        if (!res.write(block)) return void res.once('drain', send);
      }
      res.end();
    };
    send();
  });
  const sink = new MemorySink();
  sink.hasRoom = false;
  const outcome = start(pool, sink);
  await until(() => sink.resume !== undefined);
  const writtenWhenPaused = sink.chunks.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([writtenWhenPaused, sink.chunks.length]).toEqual([1, 1]);
  expect(sent).toBeLessThan(total);
  sink.hasRoom = true;
  sink.resume?.();
  expect(await outcome).toEqual({ kind: 'ended', trailers: {}, frames: 0, bytes: total * block.length });
});

test('B-60 a refusal is collected, up to 64 KiB', async () => {
  const pool = await poolTo((req, res) => {
    res.writeHead(503, { 'x-why': 'full' });
    res.end(req.url === '/long' ? 'z'.repeat(1_000_000) : '{"code":"POOL_UNREADY"}');
  });
  const sink = new MemorySink();
  expect(await start(pool, sink)).toEqual({
    kind: 'refused',
    status: 503,
    headers: expect.objectContaining({ 'x-why': 'full' }),
    body: '{"code":"POOL_UNREADY"}',
  });
  const long = await start(pool, sink, { path: '/long' });
  expect([long.kind, long.kind === 'refused' && long.body.length]).toEqual(['refused', 65_536]);
  expect([sink.chunks, sink.ended]).toEqual([[], undefined]);
});

test('B-66 aborting stops the upstream at once, and the sink is not ended', async () => {
  const closed: string[] = [];
  const pool = await poolTo((_req, res) => {
    res.writeHead(200);
    res.write('data: 1\n\n');
    res.on('close', () => closed.push('upstream'));
  });
  const sink = new MemorySink();
  const stop = new AbortController();
  const outcome = start(pool, sink, { signal: stop.signal });
  await until(() => sink.chunks.length === 1);
  stop.abort();
  expect(await outcome).toEqual({ kind: 'aborted', by: 'signal', frames: 1, bytes: 9 });
  await until(() => closed.length === 1);
  expect(sink.ended).toBeUndefined();
});

test('B-66 an abort before the head, before the connection, and before the call', async () => {
  const seen: string[] = [];
  const pool = await poolTo((req, res) => {
    seen.push(req.url ?? '');
    res.on('close', () => seen.push(`closed ${req.url ?? ''}`));
  }, 1);
  const sink = new MemorySink();
  const first = new AbortController();
  const running = start(pool, sink, { path: '/first', signal: first.signal });
  await until(() => seen.length === 1);
  const second = new AbortController();
  const waiting = start(pool, sink, { path: '/second', signal: second.signal });
  second.abort();
  expect((await waiting).kind).toBe('aborted');
  first.abort();
  expect(await running).toEqual({ kind: 'aborted', by: 'signal', frames: 0, bytes: 0 });
  expect((await start(pool, sink, { path: '/third', signal: first.signal })).kind).toBe('aborted');
  await until(() => seen.includes('closed /first'));
  expect(seen).toEqual(['/first', 'closed /first']);
});

test('B-66 a sink that is closed aborts the upstream', async () => {
  let isUpstreamClosed = false;
  const pool = await poolTo((_req, res) => {
    res.writeHead(200);
    res.write('data: 1\n\n');
    res.on('close', () => (isUpstreamClosed = true));
  });
  const sink = new MemorySink();
  const outcome = start(pool, sink);
  await until(() => sink.chunks.length === 1);
  sink.gone.abort();
  expect(await outcome).toMatchObject({ kind: 'aborted', by: 'sink' });
  await until(() => isUpstreamClosed);
});

test('B-04 an upstream that is not there, goes before the head, or goes in the middle is told apart', async () => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n';
  const port = await opened(
    createTcpServer(
      (socket) => void socket.once('data', (chunk: Buffer) => (chunk.includes('/mid') ? socket.end(head) : socket.destroy())),
    ),
  );
  const pool = poolOf(port);
  const sink = new MemorySink();
  expect(await start(pool, sink)).toMatchObject({ kind: 'broken', beforeHead: true, frames: 0 });
  expect(await start(pool, sink, { path: '/mid' })).toMatchObject({
    kind: 'broken',
    beforeHead: false,
    frames: 1,
    bytes: 9,
    cause: expect.objectContaining({ message: expect.any(String) }),
  });
  expect([sink.text, sink.ended]).toEqual(['data: 1\n\n', undefined]);
  expect(await start(poolOf(1), sink)).toMatchObject({
    kind: 'broken',
    beforeHead: true,
    cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
  });
});

test('B-04 a callback that throws ends the relay, not the process', async () => {
  const pool = await poolTo((_req, res) => res.end('data: 1\n\n'));
  const outcome = await start(pool, new MemorySink(), {
    onHead: () => {
      throw new Error('defect');
    },
  });
  expect(outcome).toMatchObject({ kind: 'broken', cause: expect.objectContaining({ message: 'defect' }) });
});

/** A relay from an upstream through `responseSink` to whoever calls the returned port. */
async function throughResponse(upstream: RequestListener, options: Partial<Parameters<typeof responseSink>[1]> = {}) {
  const pool = await poolTo(upstream);
  const outcomes: Promise<RelayOutcome>[] = [];
  const sinks: ResponseSink[] = [];
  const port = await opened(
    createHttpServer((_req, res: ServerResponse) => {
      const onHead = () => {
        const sink = responseSink(res, { head: { status: 200, headers: SSE_HEADERS }, trailers: ['x-usage'], ...options });
        sinks.push(sink);
        return sink;
      };
      outcomes.push(relay({ pool, path: '/', body: '', onHead }));
    }),
  );
  return { port, outcomes, sinks };
}

const keepAlive = new Agent({ keepAlive: true });
afterEach(() => keepAlive.destroy());

async function readAll(port: number): Promise<{ text: string; message: IncomingMessage }> {
  const message = await new Promise<IncomingMessage>((resolve, reject) =>
    get({ port, host: '127.0.0.1', agent: keepAlive }, resolve).on('error', reject),
  );
  let text = '';
  for await (const chunk of message) text += String(chunk);
  return { text, message };
}

test('B-60 B-65 through a response: head at once, bytes, and the trailers that were announced', async () => {
  const { port, outcomes } = await throughResponse((_req, res) => {
    res.writeHead(200, { Trailer: 'x-usage, x-private' });
    res.write('data: 1\n\n');
    res.addTrailers({ 'x-usage': 'u', 'x-private': 'p' });
    res.end();
  });
  const { text, message } = await readAll(port);
  expect({
    text,
    trailers: message.trailers,
    trailer: message.headers.trailer,
    type: message.headers['content-type'],
    connection: message.headers.connection,
  }).toEqual({
    text: 'data: 1\n\n',
    trailers: { 'x-usage': 'u' },
    trailer: 'x-usage',
    type: 'text/event-stream',
    connection: 'keep-alive',
  });
  expect(await outcomes[0]).toEqual({ kind: 'ended', trailers: { 'x-usage': 'u', 'x-private': 'p' }, frames: 1, bytes: 9 });
});

test('B-66 a client that goes away aborts the upstream', async () => {
  let isUpstreamClosed = false;
  const { port, outcomes, sinks } = await throughResponse((_req, res) => {
    res.writeHead(200);
    res.write('data: 1\n\n');
    res.on('close', () => (isUpstreamClosed = true));
  });
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
  await once(socket, 'data');
  socket.destroy();
  await until(() => isUpstreamClosed);
  expect([await outcomes[0], sinks[0]?.reason]).toEqual([{ kind: 'aborted', by: 'sink', frames: 1, bytes: 9 }, 'client_gone']);
});

test('B-64 a client that does not read is cut after the bound, and another stream goes on meanwhile', async () => {
  const clock = new FakeClock();
  let upstreams = 0;
  const { port, outcomes, sinks } = await throughResponse(
    (_req, res) => {
      upstreams += 1;
      if (upstreams === 2) return void res.end('data: quick\n\n');
      res.writeHead(200);
      const block = Buffer.alloc(65_536, 'x');
      const send = (): void => {
        while (!res.destroyed) if (!res.write(block)) return void res.once('drain', send);
      };
      send();
    },
    { clock, maxBufferedBytes: 100_000, stallMs: 5_000 },
  );
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).pause();
  socket.on('error', () => {});
  cleanups.push(() => void socket.destroy());
  await until(() => clock.sleeping === 1);
  expect((await readAll(port)).text).toBe('data: quick\n\n');
  await clock.advance(4_999);
  expect(sinks[0]?.reason).toBeUndefined();
  await clock.advance(1);
  expect([(await outcomes[0])?.kind, sinks[0]?.reason, clock.sleeping]).toEqual(['aborted', 'too_slow', 0]);
});

test('B-64 a client that never takes the end of its stream is cut too', async () => {
  const clock = new FakeClock();
  const { port, outcomes, sinks } = await throughResponse((_req, res) => void res.end(Buffer.alloc(16 * 1_048_576, 'x')), {
    clock,
    maxBufferedBytes: 64 * 1_048_576,
    stallMs: 5_000,
  });
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')).pause();
  cleanups.push(() => void socket.destroy());
  await until(() => clock.sleeping === 1);
  expect((await outcomes[0])?.kind).toBe('ended');
  await clock.advance(5_000);
  expect([sinks[0]?.reason, clock.sleeping]).toEqual(['too_slow', 0]);
});

test('B-64 a client that catches up in time is not cut', async () => {
  const clock = new FakeClock();
  const size = 32 * 1_048_576;
  const { port, outcomes } = await throughResponse((_req, res) => res.end(Buffer.alloc(size, 'x')), { clock, maxBufferedBytes: 100_000 });
  let received = 0;
  const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).pause();
  cleanups.push(() => void socket.destroy());
  await until(() => clock.sleeping === 1);
  await clock.advance(9_000);
  socket.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
  expect(await outcomes[0]).toMatchObject({ kind: 'ended', bytes: size });
  await once(socket, 'close');
  expect(received).toBeGreaterThan(size);
  expect(clock.sleeping).toBe(0);
});

test('B-65 a quiet stream gets a comment between its frames, never inside one', async () => {
  const clock = new FakeClock();
  let upstream: ServerResponse | undefined;
  const { port } = await throughResponse(
    (_req, res) => {
      upstream = res;
      res.writeHead(200);
      res.write('data: 1\n\n');
    },
    { clock, heartbeatMs: 1_000 },
  );
  let text = '';
  const message = await new Promise<IncomingMessage>((resolve) => void get({ port, host: '127.0.0.1' }, resolve));
  message.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until(() => text === 'data: 1\n\n');
  await clock.advance(1_000);
  await until(() => text === 'data: 1\n\n: keep-alive\n\n');
  upstream?.write('data: ');
  await until(() => text.endsWith('data: '));
  await clock.advance(3_000);
  upstream?.end('2\n\n');
  await once(message, 'end');
  expect(text).toBe('data: 1\n\n: keep-alive\n\ndata: 2\n\n');
  await clock.advance(0);
  expect(clock.sleeping).toBe(0);
});

test('A-157 after answers that ended, broke and were aborted nothing listens on signals that live on, and no connection is held', async () => {
  const pool = await poolTo((req, res) => {
    if (req.url === '/break') return void res.writeHead(200).write('x', () => res.destroy());
    if (req.url === '/hang') return void res.writeHead(200).write('x');
    res.end('x');
  });
  const signal = new AbortController().signal;
  const sink = new MemorySink();
  const kinds: string[] = [];
  for (const path of ['/end', '/break', '/hang']) {
    for (let n = 0; n < 20; n += 1) {
      const own = new AbortController();
      const closed = path === '/hang' ? own.signal : sink.closed;
      const { kind } = await relay({
        pool, path, signal,
        onHead: () => ({ write: () => true, onDrain: () => undefined, end: () => undefined, closed }),
        onFirstByte: () => own.abort(),
      });
      kinds.push(kind);
    }
  }
  expect([20, 40, 60].map((to) => new Set(kinds.slice(to - 20, to)))).toEqual([new Set(['ended']), new Set(['broken']), new Set(['aborted'])]);
  expect([signal, sink.closed].map((one) => getEventListeners(one, 'abort').length)).toEqual([0, 0]);
  await eventually('no request is open', 60_000, async () => pool.stats.running === 0 && pool.stats.pending === 0);
});
