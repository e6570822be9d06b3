import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { call, tiny, type Tiny } from '../served.js';
import { completed, streamed } from './answers.js';
import { atRest, replicaOf, residentPid, startSystem, type System } from './served-system.js';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const CRASHES = 5;

let system: System;
let models: readonly Tiny[];

beforeAll(async () => {
  models = [await tiny({ endless: true }, { context: 4_096, slots: 2 }), await tiny({ endless: true, seed: 2 }, { context: 4_096, slots: 2 })];
  const [bad, good] = models.map(({ model }) => model) as [object, object];
  system = await startSystem({
    models: { bad, good },
    pools: [{ id: 'p1', node: 'local', device: 'cpu' }],
    poolManagerd: { supervision: { backoff_initial_ms: 50, backoff_max_ms: 200, circuit_breaker_threshold: CRASHES } },
  });
}, 600_000);

afterAll(async () => {
  await system.stop();
  for (const model of models) await model.remove();
});

async function metric(name: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', system.corral.poolUrl))).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function corral(...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [CLI, ...args, '--url', system.corral.url], { env: { ...process.env, NODE_OPTIONS: '' } })).stdout;
}

test('T-214 T-107 C-52 C-170 a crash storm opens the breaker of one model; others go on; the reset lets it start again', async () => {
  await completed(system.corral.url, { model: 'bad', prompt: 'x', max_tokens: 1 });
  const beside = streamed(system.corral.url, { model: 'good', prompt: 'x', max_tokens: 2_000 });
  for (let n = 0; n < CRASHES; n += 1) {
    const pid = await residentPid(system.corral, 'bad');
    process.kill(pid, 'SIGKILL');
    await eventually('its end is known', 120_000, async () => (await replicaOf(system.corral, 'bad'))?.pid !== pid);
  }
  await eventually('the breaker is open', 120_000, async () => (await metric('circuit_breaker_state')) === 1);
  expect({ opened: await metric('circuit_breaker_open_total'), crashes: await metric('engine_crash_total') }).toEqual({ opened: 1, crashes: CRASHES });
  expect(await metric('pool_restart_total')).toBe(CRASHES - 1);

  const refused = await eventually('requests are refused at once', 120_000, async () => {
    const answer = await call(system.corral.url, 'POST', '/v1/completions', { model: 'bad', prompt: 'x', max_tokens: 1 });
    return answer.status === 503 && answer;
  });
  expect(refused.body).toMatchObject({ error: { code: 'MODEL_NOT_AVAILABLE', message: expect.stringMatching(/SIGKILL/) } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(60);
  const shown = await corral('ps');
  expect(shown).toMatch(/bad .*SIGKILL.*failed 5 times in a row, so pool p1 leaves it alone/);
  expect(shown).toMatch(/corral reset p1/);
  expect(await completed(system.corral.url, { model: 'good', prompt: 'x', max_tokens: 3 })).not.toBe('');
  expect(await beside).toMatchObject({ status: 200, errorCode: null, isDone: true, chunks: 2_000 });
  // Nobody has tried meanwhile.
  expect(await metric('pool_restart_total')).toBe(CRASHES - 1);

  await corral('reset', 'p1');
  await eventually('the breaker is closed', 120_000, async () => (await metric('circuit_breaker_state')) === 0);
  expect(await eventually('it serves again', 120_000, async () => await completed(system.corral.url, { model: 'bad', prompt: 'x', max_tokens: 2 }).catch(() => undefined))).not.toBe('');
  await atRest(system);
}, 600_000);
