import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { systemClock } from '@corral/service-kit';
import { eventually } from '@corral/test-kit';
import type { ServerState } from './attached-pool.js';
import { watchServer } from './server-watch.js';

const PATIENCE_MS = 60_000;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Answer = (path: string, res: ServerResponse) => void;

const WELL: Answer = (path, res) => {
  const bodies: Record<string, object> = { '/health': { status: 'ok' }, '/props': { total_slots: 2, default_generation_settings: { n_ctx: 512 }, model_path: '/m.gguf', build_info: 'b1' }, '/v1/models': { data: [{ meta: null }] } };
  res.setHeader('content-type', 'application/json').end(JSON.stringify(bodies[path] ?? {}));
};

/** A stand-in for what goes wrong at a server: it answers as `answer` says at each moment. */
async function aServer(port = 0) {
  const stand: { answer: Answer; asked: number } = { answer: WELL, asked: 0 };
  const server: Server = createServer((req: IncomingMessage, res) => {
    stand.asked += 1;
    stand.answer(req.url ?? '', res);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = (): Promise<void> => new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  closing.push(close);
  const address = server.address();
  return { stand, close, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

function watched(port: number, missesMax = 2) {
  const seen: ServerState[] = [];
  const stop = new AbortController();
  const ended = watchServer({ url: `http://127.0.0.1:${port}`, clock: systemClock, limits: { intervalMs: 10, timeoutMs: 1_000, missesMax }, onChange: (state) => void seen.push(state) }, stop.signal);
  closing.push(() => (stop.abort(), ended));
  const last = (what: string, condition: (state: ServerState) => boolean): Promise<ServerState> => eventually(what, PATIENCE_MS, async () => {
    const state = seen.at(-1);
    return state !== undefined && condition(state) && state;
  });
  return { last };
}

test('T-265 D-83 a server that ends is away at once, and back when it listens again', async () => {
  const first = await aServer();
  const { last } = watched(first.port);
  expect(await last('it answers', ({ state }) => state === 'up')).toMatchObject({ facts: { slots: 2, contextTokens: 512, modelPath: '/m.gguf', version: 'b1' } });
  await first.close();
  expect(await last('it is away', ({ state }) => state === 'down')).toMatchObject({ reason: expect.not.stringContaining('127.0.0.1') });
  await aServer(first.port);
  await last('it is back', ({ state }) => state === 'up');
}, PATIENCE_MS * 3);

test('T-265 D-83 a server that hangs counts as away after so many looks', async () => {
  const { stand, port } = await aServer();
  const { last } = watched(port);
  await last('it answers', ({ state }) => state === 'up');
  stand.answer = () => undefined;
  expect(await last('it is away', ({ state }) => state === 'down')).toEqual({ state: 'down', reason: 'nothing came within 1000 ms' });
  stand.answer = WELL;
  await last('it is back', ({ state }) => state === 'up');
}, PATIENCE_MS * 3);

test.each<[string, Answer]>([
  ['is still loading', (_path, res) => res.writeHead(503, { 'content-type': 'application/json' }).end('{"error":{"message":"Loading model"}}')],
  ['is no llama-server', (_path, res) => res.setHeader('content-type', 'application/json').end('{}')],
  ['answers no JSON', (_path, res) => res.end('<html>')],
])('T-265 D-83 what %s is away with a reason', async (_, answer) => {
  const { stand, port } = await aServer();
  stand.answer = answer;
  const { last } = watched(port);
  expect(await last('it is away', ({ state }) => state === 'down')).toEqual({ state: 'down', reason: expect.stringMatching(/^.+$/) });
}, PATIENCE_MS);

test('T-265 D-83 another file is told as what it serves now', async () => {
  const { stand, port } = await aServer();
  const { last } = watched(port);
  await last('it answers', ({ state }) => state === 'up');
  stand.answer = (path, res) => (path === '/props' ? void res.setHeader('content-type', 'application/json').end(JSON.stringify({ total_slots: 2, default_generation_settings: { n_ctx: 512 }, model_path: '/other.gguf' })) : WELL(path, res));
  expect(await last('it tells of the other file', (state) => state.state === 'up' && state.facts.modelPath === '/other.gguf')).toMatchObject({ state: 'up', facts: { slots: 2 } });
}, PATIENCE_MS);
