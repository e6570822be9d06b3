import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHttpClient, type HttpClient } from '@corral/service-kit';
import { aPool, forkDaemon } from '@corral/test-kit';
import { figure, median, percentile, table } from './figures.js';

const MODELS = 10_000;
const WRITERS = 8;
/** Registrations that are timed; the others come with more writers, since they only fill the list. */
const TIMED = 1_000;
const FILLERS = 64;
const ROUNDS = 100;

/**
 * Pages of a list of 10,000 models that a node has too, over HTTP, against a server that sends the same bytes and does
 * nothing else; and how fast 8 writers register them, each registration durable and audited.
 */
const dir = await mkdtemp(join(tmpdir(), 'corral-catalog-'));
const orchestratord = await forkDaemon(fileURLToPath(import.meta.resolve('@corral/orchestratord').replace(/index\.js$/, 'main.js')), {
  ORCHESTRATORD_ADDR: '127.0.0.1:0', POOL_MANAGERD_URLS: 'none', CORRAL_STATE_DIR: dir, CORRAL_LOG_LEVEL: 'error', NODE_OFFLINE_MS: '600000',
});
const client = createHttpClient({ baseUrl: orchestratord.url, connections: FILLERS, requestTimeoutMs: 120_000, maxAnswerBytes: 256 * 1_048_576 });
const digestOf = (n: number): string => `sha256:${n.toString(16).padStart(64, '0')}`;
const idOf = (n: number): string => `org-${n % 97}/model-${String(n).padStart(5, '0')}`;

const registerMs = await registrations(0, TIMED, WRITERS);
await registrations(TIMED, MODELS, FILLERS);
await report();

const shapes: readonly (readonly [string, string])[] = [
  ['first 100', '?limit=100'],
  ['middle 100', `?limit=100&cursor=${encodeURIComponent(idOf(5_000))}`],
  ['100 of a tag', '?limit=100&tag=even'],
  ['100 by text', '?limit=100&q=model-012'],
  ['100 of a node', '?limit=100&node=bench'],
  ['100 Retired', '?limit=100&state=Retired'],
  ['first 1000', '?limit=1000'],
];
const rows: string[][] = [];
for (const [name, query] of shapes) {
  const path = `/v2/catalog/models${query}`;
  const bytes = JSON.stringify(await client.json('GET', path));
  const ours = await timed(client, path);
  const reference = await withReference(bytes, (bare) => timed(bare, '/'));
  rows.push([name, figure(bytes.length / 1_024), figure(median(ours)), figure(percentile(ours, 99)), figure(median(reference)), figure(median(ours) / median(reference))]);
}
table(`A page of ${MODELS} models, milliseconds; goal: at most 50`, ['page', 'KiB', 'p50', 'p99', 'same bytes p50', 'ratio'], rows);
table(`${TIMED} registrations by ${WRITERS} writers`, ['seconds', 'each second'], [[figure(registerMs / 1_000), figure((TIMED / registerMs) * 1_000)]]);
await client.close();
await orchestratord.stop();
await rm(dir, { recursive: true, force: true });

async function registrations(from: number, to: number, writers: number): Promise<number> {
  const fromMs = performance.now();
  let next = from;
  const write = async (): Promise<void> => {
    for (let n = next++; n < to; n = next++) {
      await client.json('POST', '/v2/catalog/models', { id: idOf(n), source_url: `https://models.example/${n}.gguf`, digest: digestOf(n), tags: [n % 2 === 0 ? 'even' : 'odd'] });
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return performance.now() - fromMs;
}

/** A node that has every one of them, with the facts of its file. */
async function report(): Promise<void> {
  const memory = { cpu: { weights_device_bytes: 4_000_000_000, weights_host_bytes: 0, context_base_bytes: 1_000_000, context_per_cell_bytes: 131_072 } };
  const facts = { architecture: 'llama', name: null, quant: 'Q4_K', layers: 32, embedding_length: 4_096, vocab_size: 128_256, train_context: 8_192, has_chat_template: true, memory };
  const models = Array.from({ length: MODELS }, (_, n) => ({
    model_id: idOf(n), digest: digestOf(n), size_bytes: 4_000_000_000, lifecycle: 'Active', pinned: false, verification: { result: 'pass', reason: 'equal' },
    last_verified_ms: 1, created_ms: 1, last_used_ms: null, retired_at_ms: null, external: false, facts,
  }));
  const state = {
    node_id: 'bench', incarnation: 'i1', version: '1', sent_at: new Date().toISOString(), seq: 1, pools: [aPool({ pool_id: 'bench-cpu', node_id: 'bench', replicas: [] })],
    models, assignments: [], assignments_hash: '0:cbf29ce484222325', staging: null, bytes_per_s: { staged: null, on_disk: null, network: null },
  };
  await client.json('POST', '/v2/nodes/register', { node_id: 'bench', machine_id: 'm', address: 'http://127.0.0.1:9', state, capabilities: { gpus: [] }, version: '1' });
}

async function timed(at: HttpClient, path: string): Promise<number[]> {
  for (let n = 0; n < ROUNDS / 10; n += 1) await at.json('GET', path);
  const seen: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const fromMs = performance.now();
    await at.json('GET', path);
    seen.push(performance.now() - fromMs);
  }
  return seen;
}

async function withReference<T>(bytes: string, work: (bare: HttpClient) => Promise<T>): Promise<T> {
  const server = createServer((_, res) => res.setHeader('content-type', 'application/json').end(bytes));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const bare = createHttpClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: 1, maxAnswerBytes: 256 * 1_048_576 });
  try {
    return await work(bare);
  } finally {
    await bare.close();
    server.close();
  }
}
