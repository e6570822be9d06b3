import { connect } from 'amqplib';
import { eventually, startCorral, startRabbit, writeTinyModel, type Corral } from '@corral/test-kit';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figure, percentile, table } from './figures.js';

const INSTANCES = 200;

/**
 * Loads as callers make them: from the call to the 202, which comes after the durable row and the confirmed publish, one after the other and all at
 * once, over HTTP and over a real broker; against bare confirmed publishes to the same broker in the same run. All instances share one
 * model, so that the engine has nothing to do.
 */
const dir = await mkdtemp(join(tmpdir(), 'corral-loads-'));
const { path } = await writeTinyModel(join(dir, 'tiny.gguf'), {});
const rabbit = await startRabbit();
const ids = Array.from({ length: INSTANCES }, (_, n) => `i${n}`);

async function call(corral: Corral, method: string, what: string, body?: object): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(new URL(`/api/orgs/default/instances${what}`, corral.url), { method, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function accepted(corral: Corral, id: string, action: 'load' | 'unload'): Promise<number> {
  const startedMs = performance.now();
  const { status, body } = await call(corral, 'POST', `/${id}/${action}`);
  if (status !== 202) throw new Error(`${action} of ${id}: ${status} ${JSON.stringify(body)}`);
  return performance.now() - startedMs;
}

async function readyCount(corral: Corral): Promise<number> {
  const { body } = await call(corral, 'GET', `?limit=${INSTANCES}`);
  return (body['data'] as readonly { readonly is_ready: boolean }[]).filter((one) => one.is_ready).length;
}

async function measured(transport: string, env: Readonly<Record<string, string>>): Promise<string[]> {
  const corral = await startCorral({ manifest: { version: 1, models: { tiny: { source: `file:${path}` } } }, env: { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: '1', ...env } });
  try {
    for (const instance_id of ids) await call(corral, 'POST', '', { instance_id, model: 'tiny', tier: 'cold' });
    await accepted(corral, 'i0', 'load');
    await eventually('the first is ready', 60_000, async () => (await readyCount(corral)) === 1);
    const alone: number[] = [];
    for (const id of ids.slice(1)) alone.push(await accepted(corral, id, 'load'));
    await eventually('all are ready', 60_000, async () => (await readyCount(corral)) === INSTANCES);
    for (const id of ids.slice(1)) await accepted(corral, id, 'unload');
    await eventually('one is left', 60_000, async () => (await readyCount(corral)) === 1);
    const startedMs = performance.now();
    const atOnce = await Promise.all(ids.map((id) => accepted(corral, id, 'load')));
    const perS = (INSTANCES / (performance.now() - startedMs)) * 1_000;
    await eventually('none was lost', 60_000, async () => (await readyCount(corral)) === INSTANCES);
    return [transport, figure(percentile(alone, 50)), figure(percentile(alone, 99)), figure(percentile(atOnce, 50)), figure(percentile(atOnce, 99)), figure(perS)];
  } finally {
    await corral.stop();
  }
}

/** A confirmed publish to a quorum queue, and nothing else. */
async function bare(): Promise<string[]> {
  const connection = await connect(rabbit.url);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('bench', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  const content = Buffer.alloc(900, 'x');
  const publish = async (): Promise<number> => {
    const startedMs = performance.now();
    channel.publish('', 'bench', content, { persistent: true });
    await channel.waitForConfirms();
    return performance.now() - startedMs;
  };
  const alone: number[] = [];
  for (let n = 0; n < INSTANCES; n += 1) alone.push(await publish());
  const startedMs = performance.now();
  const atOnce = await Promise.all(ids.map(publish));
  const perS = (INSTANCES / (performance.now() - startedMs)) * 1_000;
  await connection.close();
  return ['bare publishes', figure(percentile(alone, 50)), figure(percentile(alone, 99)), figure(percentile(atOnce, 50)), figure(percentile(atOnce, 99)), figure(perS)];
}

try {
  const rows = [await measured('http', {}), await measured('rabbitmq', { AMQP_URL: rabbit.url }), await bare()];
  table(`${INSTANCES} loads, call to 202, ms`, ['transport', 'alone p50', 'alone p99', 'at once p50', 'at once p99', 'at once/s'], rows);
} finally {
  await rabbit.remove();
  await rm(dir, { recursive: true, force: true });
}
