import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { USAGE_TRAILER } from '@corral/contracts';
import { createHttpClient, systemClock, type HttpClient } from '@corral/service-kit';
import { aGenerateRequest } from '@corral/test-kit';
import { NodeDispatcher } from '../src/tasks/node-dispatcher.js';
import type { TaskOutput } from '../src/tasks/task-output.js';
import type { WatchLimits } from '../src/tasks/answer-watch.js';

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

const NOBODY: TaskOutput = {
  started: () => undefined, metrics: () => undefined, end: () => undefined, abandoned: new AbortController().signal,
  open: () => ({ write: () => true, onDrain: (resume) => resume(), end: () => undefined }),
};

async function dispatchTo(node: RequestListener, options: { readonly limits?: Partial<WatchLimits>; readonly request?: Parameters<typeof aGenerateRequest>[0]; readonly signal?: AbortSignal } = {}) {
  const server = createServer(node).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createHttpClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  open.push({ server, client });
  const written: string[] = [];
  const dispatcher = new NodeDispatcher({ clock: systemClock, limits: { graceMs: 20, wholeAnswerMs: 10_000, ...options.limits }, clientFor: () => client, unreachable: (nodeId, causeCode) => void unreachable.push(`${nodeId} ${causeCode}`) });
  const progress = { frames: 0, firstByteAtMs: null };
  const outcome = await dispatcher.run({
    nodeId: 'n1', poolId: 'p1', request: aGenerateRequest(options.request), progress, signal: options.signal ?? new AbortController().signal,
    output: {
      ...NOBODY,
      open: () => ({ write: (chunk) => (written.push(chunk.toString()), true), onDrain: (resume) => resume(), end: () => undefined }),
    },
  });
  return { outcome, written: written.join(''), progress };
}

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
    ['REPLICA_EXHAUSTED', 503, true, 'REPLICA_EXHAUSTED'],
    ['POOL_UNREADY', 503, true, 'POOL_UNREADY'],
    ['NOT_FOUND', 404, true, 'WORKER_RESET'],
    ['CONTEXT_LENGTH_EXCEEDED', 400, false, 'CONTEXT_LENGTH_EXCEEDED'],
    ['INVALID_PARAMS', 400, false, 'INVALID_PARAMS'],
  ])('DESIGN 9 a refusal %s (%d) is placed again: %s', async (code, status, placeAgain, seen) => {
    const { outcome } = await dispatchTo(refuse(status, { code, message: 'no', retriable: placeAgain, field: 'x' }));
    const openAi = await dispatchTo(refuse(status, { error: { code, message: 'no', retriable: placeAgain, type: 'server_error', param: null } }));
    expect([outcome, openAi.outcome]).toEqual([1, 2].map(() => ({ kind: 'failed', placeAgain, attempted: true, error: expect.objectContaining({ code: seen }) })));
  });

  test('B-68 broken before the first byte is worth another place, after it is not', async () => {
    const before = await dispatchTo((req) => req.socket.destroy());
    const after = await dispatchTo((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write('event: token\ndata: {}\n\n', () => res.socket?.destroy());
    });
    expect([before.outcome, after.outcome]).toEqual([
      { kind: 'failed', placeAgain: true, attempted: true, error: expect.objectContaining({ code: 'WORKER_RESET' }) },
      { kind: 'failed', placeAgain: false, attempted: true, error: expect.objectContaining({ code: 'WORKER_RESET' }) },
    ]);
  });

  test('DESIGN 9 a node that no connection can be made to is away, and that was no try', async () => {
    const refused = createHttpClient({ baseUrl: 'http://127.0.0.1:1' });
    const dispatcher = new NodeDispatcher({ clock: systemClock, limits: { graceMs: 20, wholeAnswerMs: 10_000 }, clientFor: () => refused, unreachable: (nodeId, causeCode) => void unreachable.push(`${nodeId} ${causeCode}`) });
    const outcome = await dispatcher.run({ nodeId: 'n1', poolId: 'p1', request: aGenerateRequest(), progress: { frames: 0, firstByteAtMs: null }, signal: new AbortController().signal, output: NOBODY });
    await refused.close();
    expect([outcome, unreachable]).toEqual([{ kind: 'failed', placeAgain: true, attempted: false, error: expect.objectContaining({ code: 'WORKER_RESET' }) }, ['n1 ECONNREFUSED']]);
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
    const deadlines = { first_token_ms: 30, token_gap_ms: 30 };
    const silent = await dispatchTo(() => undefined, { request: { deadlines } });
    const stuck = await dispatchTo((_req, res) => void res.writeHead(200).write('event: token\ndata: {}\n\n'), { request: { deadlines } });
    expect([silent.outcome, stuck.outcome]).toEqual([
      { kind: 'failed', placeAgain: false, attempted: true, error: expect.objectContaining({ code: 'FIRST_TOKEN_TIMEOUT' }) },
      { kind: 'failed', placeAgain: false, attempted: true, error: expect.objectContaining({ code: 'DECODE_TIMEOUT' }) },
    ]);
  });

  test('DESIGN 9 an answer that is not ours is a reset, not a crash', async () => {
    const { outcome } = await dispatchTo((_req, res) => void res.writeHead(502).end('<html>'));
    expect(outcome).toEqual({ kind: 'failed', placeAgain: true, attempted: true, error: expect.objectContaining({ code: 'WORKER_RESET' }) });
  });
});
