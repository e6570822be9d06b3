import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, startCorral, writeTinyModel } from '@corral/test-kit';
import { figure, median, percentile, table } from './figures.js';

const KEY = 'bench';
const ROUNDS = 5;
const REQUESTS = 150;
const [FEW, MANY] = [10, 1_000];

/** What a reload of many routes takes, and what many routes cost a request. */
const dir = await mkdtemp(join(tmpdir(), 'corral-bench-'));
const { path: modelPath } = await writeTinyModel(join(dir, 'tiny.gguf'), { mode: 'chain' });
const model = { source: `file:${modelPath}`, context: 512, slots: 4 };
const manifestOf = (routes: number, priority = 'interactive') => ({ version: 1, models: { m: model }, routes: Object.fromEntries(Array.from({ length: routes }, (_, n) => [`r${n}`, { model: 'm', priority }])) });
const corral = await startCorral({ manifest: manifestOf(FEW), env: { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: '1', ORCHESTRATOR_API_KEYS: KEY, CORRAL_LOG_LEVEL: 'warn' } });

async function reloadMs(manifest: object): Promise<number> {
  const path = join(corral.stateDir, 'corral.manifest.json');
  await writeFile(`${path}.new`, JSON.stringify(manifest));
  await rename(`${path}.new`, path);
  const from = performance.now();
  const response = await fetch(new URL('/admin/reload', corral.url), { method: 'POST', headers: { authorization: `Bearer ${KEY}` } });
  if (!response.ok) throw new Error(await response.text());
  await response.text();
  return performance.now() - from;
}

async function requestMs(route: string): Promise<number> {
  const from = performance.now();
  const response = await fetch(new URL('/v1/completions', corral.url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: route, prompt: 'a', max_tokens: 1, temperature: 0 }) });
  if (!response.ok) throw new Error(await response.text());
  await response.text();
  return performance.now() - from;
}

try {
  await eventually('a pool is ready', 60_000, async () => (await fetch(new URL('/ready', corral.url))).ok);
  await requestMs('r0');
  const reloads: Record<'none' | 'added' | 'all' | 'removed', number[]> = { none: [], added: [], all: [], removed: [] };
  const requests = { few: [] as number[], many: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let n = 0; n < REQUESTS / ROUNDS; n += 1) requests.few.push(await requestMs(`r${n % FEW}`));
    reloads.added.push(await reloadMs(manifestOf(MANY)));
    reloads.none.push(await reloadMs(manifestOf(MANY)));
    for (let n = 0; n < REQUESTS / ROUNDS; n += 1) requests.many.push(await requestMs(`r${(n * 31) % MANY}`));
    reloads.all.push(await reloadMs(manifestOf(MANY, 'batch')));
    reloads.removed.push(await reloadMs(manifestOf(FEW)));
  }
  table(
    `manifest reload, ms, ${MANY} routes, median of ${ROUNDS}; goal: at most 1000`,
    ['what changes', 'p50', 'longest'],
    Object.entries(reloads).map(([what, ms]) => [what, figure(median(ms)), figure(Math.max(...ms))]),
  );
  table(
    `one request of one token, ms, of ${REQUESTS}; goal: a ratio of 1`,
    ['routes', 'p50', 'p90', 'ratio'],
    [
      [String(FEW), figure(median(requests.few)), figure(percentile(requests.few, 90)), '1'],
      [String(MANY), figure(median(requests.many)), figure(percentile(requests.many, 90)), figure(median(requests.many) / median(requests.few))],
    ],
  );
} finally {
  await corral.stop();
  await rm(dir, { recursive: true, force: true });
}
