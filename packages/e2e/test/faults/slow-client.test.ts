import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { tiny, type Tiny } from '../served.js';
import { streamed } from './answers.js';
import { atRest, running, startSystem, type System } from './served-system.js';

const MODEL = `endless-${'x'.repeat(80)}`;

let system: System;
let endless: Tiny;

beforeAll(async () => {
  // Far more text than the buffers on the way can hold.
  endless = await tiny({ endless: true, contextTokens: 65_536, chain: Array.from({ length: 150 }, (_, n) => `▁w${n}`) }, { context: 65_536, slots: 2 });
  // Each event carries the model's name: a long one fills the buffers sooner.
  system = await startSystem({ models: { [MODEL]: endless.model }, orchestratord: { client_stall_ms: 3_000 } });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await endless.remove();
});

/** Asks for a stream and reads nothing of it. */
function deafClient(url: string, body: object): Socket {
  const { hostname, port } = new URL(url);
  const text = JSON.stringify({ stream: true, ...body });
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined).pause();
  socket.write(`POST /v1/completions HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  return socket;
}

/** Clients that were cut for not reading, as the metrics count them. */
async function dropped(): Promise<number> {
  const text = await (await fetch(new URL('/metrics', system.corral.url))).text();
  return Number(/^sse_backpressure_drops_total(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1] ?? 0);
}

test('T-209 a client that does not read is cut after its limit; nobody else is slowed, and its slot is free', async () => {
  const deaf = deafClient(system.corral.url, { model: MODEL, prompt: 'x', max_tokens: 60_000 });
  try {
    await running(system.corral);
    expect(await streamed(system.corral.url, { model: MODEL, prompt: 'x', max_tokens: 200 })).toMatchObject({ chunks: 200, isDone: true });
    await eventually('it is cut', 120_000, async () => (await dropped()) === 1);
    await atRest(system);
  } finally {
    deaf.destroy();
  }
}, 600_000);
