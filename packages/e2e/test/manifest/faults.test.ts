import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import { call, ONE_THREAD, tiny, type Tiny } from '../served.js';

const KEY = 'reload-key-of-this-test';
const tinies: Tiny[] = [];
const running: Corral[] = [];

afterEach(async () => {
  for (const corral of running.splice(0)) await corral.stop();
  for (const one of tinies.splice(0)) await one.remove();
});

async function aTiny(extra: object = {}): Promise<object> {
  const one = await tiny({ mode: 'chain' }, extra);
  tinies.push(one);
  return one.model;
}

async function start(manifest: object): Promise<Corral> {
  const corral = await startCorral({ manifest, env: { ...ONE_THREAD, IDLE_WORKERS: '0', ORCHESTRATOR_API_KEYS: KEY } });
  running.push(corral);
  return corral;
}

interface Reload {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Writes another manifest in the place of the served one, as an editor that renames does, and asks for it. */
async function reload(corral: Corral, manifest: object | string): Promise<Reload> {
  await write(corral, manifest);
  const { status, body } = await call(corral.url, 'POST', '/admin/reload', undefined, KEY);
  return { status, body };
}

async function write({ stateDir }: Corral, manifest: object | string): Promise<void> {
  const path = join(stateDir, 'corral.manifest.json');
  await writeFile(`${path}.new`, typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  await rename(`${path}.new`, path);
}

const complete = (corral: Corral, model: string, maxTokens = 4) => call(corral.url, 'POST', '/v1/completions', { model, prompt: 'a', max_tokens: maxTokens, temperature: 0 });

describe('a manifest that cannot be taken up', () => {
  test('T-116 T-127 F-04 each fault leaves routes and versions as they were, and says why', async () => {
    const m = await aTiny();
    const good = { version: 1, models: { m }, routes: { chat: { model: 'm' } } };
    const corral = await start(good);
    expect((await complete(corral, 'chat')).status).toBe(200);
    const before = await bindingsOf(corral);

    const faults: readonly (readonly [string, object | string, string, string])[] = [
      ['broken YAML', 'models: [', 'validation', 'validate'],
      ['a route to a route', { ...good, routes: { chat: { model: 'm' }, other: { model: 'chat' } } }, 'validation', 'validate'],
      ['a pin to no pool', { ...good, routes: { chat: { model: 'm', placement: { mode: 'pin', pin_pool_id: 'nowhere' } } } }, 'validation', 'resolve'],
      ['a required pool of a node that is not there', { ...good, pools: [{ id: 'far', node: 'gone', device: 'cpu', required: true }] }, 'activation', 'prepare'],
      ['a model that cannot be loaded', { ...good, models: { m: { ...m, source: 'file:/nowhere/at-all.gguf' } } }, 'activation', 'prepare'],
    ];
    for (const [what, manifest, kind, step] of faults) {
      const { status, body } = await reload(corral, manifest);
      expect([what, status, body['error_kind'], body['step']]).toEqual([what, 500, kind, step]);
      const answer = await complete(corral, 'chat');
      expect([what, answer.status, answer.headers.get('x-corral-route')]).toEqual([what, 200, 'chat@1']);
      expect(identities(await bindingsOf(corral))).toEqual(identities(before));
    }
    expect(JSON.parse(JSON.parse(await readFile(join(corral.stateDir, 'manifest.last-good.json'), 'utf8')).text)).toEqual(good);
  }, 240_000);
});

interface Binding {
  readonly id: string;
  readonly version: number;
  readonly state: string;
  readonly in_flight: number;
}

async function bindingsOf({ stateDir, url }: Corral): Promise<readonly Binding[]> {
  const token = (await readFile(join(stateDir, 'operator-token'), 'utf8')).trim();
  return (await call(url, 'GET', '/v2/manifest', undefined, token)).body['bindings'] as readonly Binding[];
}

function identities(bindings: readonly Binding[]): readonly string[] {
  return bindings.filter(({ state }) => state !== 'terminated').map(({ id, version, state }) => `${id}@${version} ${state}`);
}

describe('a changed manifest', () => {
  test('T-115 T-117 F-05 F-31 what changes has another version, what runs keeps its own, and the old replica goes', async () => {
    const m = await aTiny({ slots: 2 });
    const corral = await start({ version: 1, models: { m }, routes: { chat: { model: 'm' }, gone: { model: 'm' } } });
    expect((await complete(corral, 'chat')).status).toBe(200);
    const { status, body } = await reload(corral, { version: 1, models: { m: { ...m, slots: 3 } }, routes: { chat: { model: 'm', priority: 'batch' }, fresh: { model: 'm' } } });
    expect([status, body['summary']]).toEqual([200, { added: ['route:fresh'], modified: ['model:m', 'route:chat'], removed: ['route:gone'], unchanged: [] }]);
    expect((await complete(corral, 'gone')).status).toBe(404);
    for (const [model, route] of [['chat', 'chat@2'], ['fresh', 'fresh@1']] as const) {
      const answer = await complete(corral, model);
      expect([answer.status, answer.headers.get('x-corral-route')]).toEqual([200, route]);
    }
    await eventually('the old replica has gone', 30_000, async () => {
      const pools = (await call(corral.url, 'GET', '/v2/pools')).body['data'] as readonly { readonly replicas: readonly { readonly slots_total: number; readonly state: string }[] }[];
      const slots = pools.flatMap(({ replicas }) => replicas).filter(({ state }) => state !== 'parked').map(({ slots_total }) => slots_total);
      return slots.length === 1 && slots[0] === 3;
    });
  }, 240_000);
});
