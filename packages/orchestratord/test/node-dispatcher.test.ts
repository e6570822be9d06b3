import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { FAILURE_TRAILER, USAGE_TRAILER } from '@corral/contracts';
import { createHttpClient, systemClock, type Clock, type HttpClient } from '@corral/service-kit';
import { aGenerateRequest, FakeClock } from '@corral/test-kit';
import type { DispatchOutcome } from '../src/tasks/dispatcher.js';
import { NodeDispatcher } from '../src/tasks/node-dispatcher.js';
import type { TaskOutput } from '../src/tasks/task-output.js';

const open: { readonly server: Server; readonly client: HttpClient }[] = [];
const unreachable: string[] = [];
const usage = { tokens_in: 1, tokens_cached: 0, tokens_out: 2, first_token_ms: 1, decode_time_ms: 2, finish_reason: 'stop' };

afterEach(async () => {
  for (const { server, client } of open.splice(0)) {
    await client.close();
    server.closeAllConnections();
    server.close();
  }
});

interface Options {
  readonly request?: Parameters<typeof aGenerateRequest>[0];
  readonly signal?: AbortSignal;
  readonly lost?: AbortSignal;
  readonly heldMaxBytes?: number;
  readonly clock?: Clock;
  /** What was shown of the answer has been written. */
  readonly onShown?: () => void;
}

const asked: string[] = [];

async function dispatchVia(client: HttpClient, { request, signal, lost, heldMaxBytes = 1_000, clock = systemClock, onShown = () => undefined }: Options = {}) {
  const written: string[] = [];
  const opened: number[] = [];
  const dispatcher = new NodeDispatcher({
    clock, graceMs: 20, heldMaxBytes, clientFor: () => client,
    unreachable: (nodeId, causeCode) => void unreachable.push(`${nodeId} ${causeCode}`),
    ask: (nodeId) => void asked.push(nodeId),
  });
  const progress = { frames: 0, firstByteAtMs: null, lastByteAtMs: null };
  const never = new AbortController().signal;
  const output: TaskOutput = {
    started: () => undefined, metrics: () => undefined, end: () => undefined, abandoned: never,
    open: ({ status }) => {
      opened.push(status);
      return { write: (chunk) => (written.push(chunk.toString()), onShown(), true), onDrain: (resume) => resume(), end: () => undefined };
    },
  };
  const outcome = await dispatcher.run({ nodeId: 'n1', poolId: 'p1', request: aGenerateRequest(request), progress, signal: signal ?? never, lost: lost ?? never, output });
  return { outcome, written: written.join(''), progress, opened };
}

async function dispatchTo(node: RequestListener, options: Options = {}) {
  const server = createServer(node).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createHttpClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  open.push({ server, client });
  return dispatchVia(client, options);
}

const failed = (code: string, { placeAgain = false, attempted = true } = {}): DispatchOutcome => ({ kind: 'failed', placeAgain, attempted, error: expect.objectContaining({ code }) as never });
const WHOLE = { output: { stream: false } } as const;

const refuse = (status: number, body: object): RequestListener => (_req, res) => void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

describe('dispatch to a node', () => {
  test('B-60 the bytes pass untouched, frames are counted, usage comes from the trailer', async () => {
    const { outcome, written, progress } = await dispatchTo((req, res) => {
      expect([req.url, req.headers['x-correlation-id']]).toEqual(['/v2/pools/p1/tasks', 'correlation-1']);
      res.writeHead(200, { 'content-type': 'text/event-stream', trailer: USAGE_TRAILER });
      res.write('event: token\ndata: {"t":"a","i":0}\n\nevent: tok');
      res.write('en\ndata: {"t":"b","i":1}\n\n');
      res.addTrailers({ [USAGE_TRAILER]: JSON.stringify(usage) });
      res.end();
    });
    expect([outcome, written, progress.frames]).toEqual([{ kind: 'completed', usage }, 'event: token\ndata: {"t":"a","i":0}\n\nevent: token\ndata: {"t":"b","i":1}\n\n', 2]);
  });

  test.each([
    ['REPLICA_EXHAUSTED', 503, true, false, 'REPLICA_EXHAUSTED'],
    ['POOL_UNREADY', 503, true, false, 'POOL_UNREADY'],
    ['NOT_FOUND', 404, true, false, 'WORKER_RESET'],
    ['SHUTTING_DOWN', 503, true, false, 'SHUTTING_DOWN'],
    ['WORKER_RESET', 503, true, true, 'WORKER_RESET'],
    ['CONTEXT_LENGTH_EXCEEDED', 400, false, true, 'CONTEXT_LENGTH_EXCEEDED'],
    ['FIRST_TOKEN_TIMEOUT', 503, false, true, 'FIRST_TOKEN_TIMEOUT'],
  ])('DESIGN 9 A-152 a refusal %s (%d) is placed again: %s; a worker had the task: %s', async (code, status, placeAgain, attempted, seen) => {
    asked.length = 0;
    const { outcome } = await dispatchTo(refuse(status, { code, message: 'no', retriable: placeAgain, field: 'x' }));
    const openAi = await dispatchTo(refuse(status, { error: { code, message: 'no', retriable: placeAgain, type: 'server_error', param: null } }));
    expect([outcome, openAi.outcome]).toEqual([1, 2].map(() => failed(seen, { placeAgain, attempted })));
    expect(asked).toEqual(placeAgain ? ['n1', 'n1'] : []);
  });

  test('B-68 A-150 broken before its first whole frame it is worth another place, and nobody saw it; after that it is not', async () => {
    const before = await dispatchTo((req) => req.socket.destroy());
    const afterHead = await dispatchTo((_req, res) => void res.writeHead(200).write('event: token\ndata: {"t"', () => res.socket?.destroy()));
    const afterFrame = await dispatchTo((_req, res) => void res.writeHead(200).write('event: token\ndata: {}\n\n', () => res.socket?.destroy()));
    expect([before, afterHead, afterFrame].map(({ outcome, opened }) => [outcome, opened])).toEqual([
      [failed('WORKER_RESET', { placeAgain: true }), []],
      [failed('WORKER_RESET', { placeAgain: true }), []],
      [failed('WORKER_RESET'), [200]],
    ]);
  });

  test('DESIGN 10.8 A-151 an answer in one piece that breaks off midway was seen by nobody, and is worth another place', async () => {
    const { outcome, opened } = await dispatchTo((_req, res) => void res.writeHead(200, { 'content-length': '40' }).write('{"choices":[]}\n\n{', () => res.socket?.destroy()), { request: WHOLE });
    expect([outcome, opened]).toEqual([failed('WORKER_RESET', { placeAgain: true }), []]);
  });

  test('A-151 an answer in one piece is shown whole, and one longer than may be held is cut', async () => {
    const respond: RequestListener = (_req, res) => void res.writeHead(200).write('{"a"', () => res.end(':"\n\n"}'));
    const whole = await dispatchTo(respond, { request: WHOLE });
    const long = await dispatchTo(respond, { request: WHOLE, heldMaxBytes: 5 });
    expect([whole, long].map(({ outcome, written }) => [outcome, written])).toEqual([
      [{ kind: 'completed', usage: null }, '{"a":"\n\n"}'],
      [failed('WORKER_RESET'), ''],
    ]);
  });

  test('A-154 a stream that its worker ended with an error is no success, and says nothing more', async () => {
    const { outcome, written } = await dispatchTo((_req, res) => {
      res.writeHead(200, { trailer: FAILURE_TRAILER }).write('event: error\ndata: {}\n\n');
      res.addTrailers({ [FAILURE_TRAILER]: 'DECODE_TIMEOUT' });
      res.end();
    });
    expect([outcome, written]).toEqual([{ kind: 'told', error: expect.objectContaining({ code: 'DECODE_TIMEOUT' }) }, 'event: error\ndata: {}\n\n']);
  });

  test('DESIGN 9 A-155 a node that is found to be away has lost what was not shown', async () => {
    const outcomes = ['', 'event: token\ndata: {}\n\n'].map(async (shown) => {
      const lost = new AbortController();
      const lose = () => void setImmediate(() => lost.abort(new Error('it has not reported')));
      const { outcome } = await dispatchTo((_req, res) => (shown === '' ? lose() : void res.writeHead(200).write(shown)), { lost: lost.signal, onShown: lose });
      return outcome;
    });
    expect(await Promise.all(outcomes)).toEqual([failed('WORKER_RESET', { placeAgain: true }), failed('WORKER_RESET')]);
  });

  test('P-17 A-155 a node from which nothing comes is asked whether it is there, again and again', async () => {
    asked.length = 0;
    const clock = new FakeClock();
    const stop = new AbortController();
    const running = dispatchTo(() => undefined, { clock, signal: stop.signal, request: { deadlines: { first_token_ms: 60_000 } } });
    await clock.advance(7_000);
    stop.abort();
    expect([(await running).outcome, asked]).toEqual([{ kind: 'aborted' }, ['n1', 'n1']]);
  });

  test('DESIGN 9 a node that no connection can be made to is away, and that was no try', async () => {
    const refused = createHttpClient({ baseUrl: 'http://127.0.0.1:1' });
    const { outcome } = await dispatchVia(refused);
    await refused.close();
    expect([outcome, unreachable]).toEqual([failed('WORKER_RESET', { placeAgain: true, attempted: false }), ['n1 ECONNREFUSED']]);
  });

  test('B-67 an abort reaches the node', async () => {
    const stop = new AbortController();
    let left: Promise<unknown> = Promise.resolve();
    const { outcome } = await dispatchTo(
      (req) => {
        left = once(req.socket, 'close');
        stop.abort();
      },
      { signal: stop.signal },
    );
    await left;
    expect(outcome).toEqual({ kind: 'aborted' });
  });

  test('A-82 a node that never answers, and one that stops in the middle, are noticed', async () => {
    const silent = await dispatchTo(() => undefined, { request: { deadlines: { first_token_ms: 30, token_gap_ms: 60_000 } } });
    const stuck = await dispatchTo((_req, res) => void res.writeHead(200).write('event: token\ndata: {}\n\n'), { request: { deadlines: { first_token_ms: 60_000, token_gap_ms: 30 } } });
    expect([silent.outcome, stuck.outcome]).toEqual([failed('FIRST_TOKEN_TIMEOUT'), failed('DECODE_TIMEOUT')]);
  });

  test('A-82 an answer in one piece has a wall limit of its own', async () => {
    const { outcome } = await dispatchTo(() => undefined, { request: { ...WHOLE, deadlines: { first_token_ms: 1, token_gap_ms: 1, wall_ms: 40 } } });
    expect(outcome).toEqual(failed('DECODE_TIMEOUT'));
  });

  test('DESIGN 9 an answer that is not ours is a reset, not a crash', async () => {
    const { outcome } = await dispatchTo((_req, res) => void res.writeHead(502).end('<html>'));
    expect(outcome).toEqual(failed('WORKER_RESET', { placeAgain: true }));
  });
});
