import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { aliveOf, eventually } from '@corral/test-kit';
import { replicaOf, residentPid, running, startSystem, type System } from '../faults/served-system.js';
import { call, eventsOf, tiny, type Tiny } from '../served.js';

const PATIENCE_MS = 600_000;
/** So many that the stream runs on while the bundle is tried and taken up. */
const TOKENS = 7_900;
const BUILT_IN = /^llamacpp-\d+\.\d+\.\d+-cpu$/;

let dir = '';
let model: Tiny;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'e2e-engines-'));
  model = await tiny({ endless: true, sizeBytes: 30_000_000, embedding: 256, contextTokens: 8_192 }, { context: 8_192, slots: 2 });
});
afterAll(async () => {
  await model.remove();
  await rm(dir, { recursive: true, force: true });
});

let system: System | null = null;
afterEach(async () => {
  await system?.stop();
  system = null;
});

/** The prebuilt package that this checkout has, copied as if it had been unpacked elsewhere. */
async function aPackage(name: string): Promise<{ readonly path: string; readonly bins: string }> {
  const engine = createRequire(createRequire(import.meta.url).resolve('../../../engine/package.json'));
  const entry = createRequire(engine.resolve('node-llama-cpp')).resolve(`@node-llama-cpp/linux-${process.arch}`);
  const path = join(dir, name);
  await cp(dirname(dirname(entry)), path, { recursive: true, dereference: true });
  return { path, bins: join(path, 'bins', `linux-${process.arch}`) };
}

const start = async (idleWorkers = 1): Promise<System> => (system = await startSystem({ models: { endless: model.model }, idleWorkers, env: { CPU_POOL_REPLICAS: '3' }, poolManagerd: { replicas: { drain_ms: 600_000 } } }));
const engines = async (url: string): Promise<readonly Record<string, unknown>[]> => ((await call(url, 'GET', '/v2/engines')).body['data'] as Record<string, unknown>[]).filter((engine) => (engine['device_kinds'] as string[]).includes('cpu'));

async function nodeOf(url: string): Promise<string> {
  return await eventually('the node reports', 120_000, async () => ((await call(url, 'GET', '/v2/nodes')).body['data'] as { node_id: string }[])[0]?.node_id);
}

async function toItsEnd(url: string, path: string, body?: object, look: (phase: unknown) => void = () => {}): Promise<Record<string, unknown>> {
  const begun = await call(url, 'POST', path, body);
  expect([path, begun.status]).toEqual([path, 202]);
  return await eventually(`${path} has ended`, PATIENCE_MS, async () => {
    const { body: operation } = await call(url, 'GET', `/v2/operations/${String(begun.body['operation_id'])}`);
    look(operation['phase']);
    return operation['state'] !== 'running' && operation;
  });
}

/** One command of the CLI, to its end. */
async function cli(url: string, ...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const program = join(dirname(createRequire(import.meta.url).resolve('../../../cli/package.json')), 'dist', 'main.js');
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, NODE_OPTIONS: '', CORRAL_URL: url }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out: out.join(''), err: err.join('') };
}

async function aStream(url: string, maxTokens: number) {
  const task = await call(url, 'POST', '/v2/tasks', { model_ref: 'endless', prompt: 'Hi', max_tokens: maxTokens });
  expect(task.status).toBe(202);
  return eventsOf(url, String(task.body['task_id']));
}

describe('engine bundles', () => {
  test('T-239 D-11 D-74 D-75 a second bundle is taken up while a stream runs, which stays whole; what is in use stays, what is not goes', async () => {
    const { corral } = await start();
    const { url } = corral;
    const nodeId = await nodeOf(url);
    const [builtIn] = await eventually('the bundle is registered', 120_000, async () => (await engines(url).catch(() => [])).length > 0 && engines(url));
    expect(builtIn).toMatchObject({ node_id: nodeId, engine_id: expect.stringMatching(BUILT_IN), mode: 'package', version: expect.stringMatching(/^\d+\.\d+\.\d+$/), digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), in_place: true });

    const first = await aStream(url, 2);
    expect(first.at(-1)).toMatchObject({ event: 'end', data: { tokens_out: 2 } });
    const oldPid = await residentPid(corral, 'endless');
    let isStreaming = true;
    const streaming = aStream(url, TOKENS).finally(() => (isStreaming = false));
    await running(corral);

    const { path } = await aPackage('second');
    const swappedWhile: boolean[] = [];
    const added = await toItsEnd(url, `/v2/nodes/${nodeId}/engines`, { mode: 'package', path, engine_id: 'second' }, (phase) => phase === 'replicas' && swappedWhile.push(isStreaming));
    expect(swappedWhile[0]).toBe(true);
    expect(added).toMatchObject({ state: 'succeeded', error: null, result: { engine: { engine_id: 'second', chosen_for: ['cpu'] } } });

    const events = await streaming;
    expect(events.filter(({ event }) => event === 'token').map(({ data }) => data['i'])).toEqual(Array.from({ length: TOKENS }, (_, n) => n));
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { tokens_out: TOKENS, finish_reason: 'length' } });

    const pid = await eventually('the new replica alone serves', 120_000, async () => {
      const replica = (await replicaOf(corral, 'endless')) as { readonly pid: number | null; readonly state: string; readonly engine_id?: string } | undefined;
      return replica?.engine_id === 'second' && replica.state === 'resident' && replica.pid;
    });
    expect(pid).not.toBe(oldPid);
    expect(await readFile(`/proc/${pid}/maps`, 'utf8')).toMatch(/\/engines\/second\/llama-addon\.node\n/);
    expect((await aStream(url, 2)).at(-1)).toMatchObject({ event: 'end', data: { tokens_out: 2 } });

    const listed = await cli(url, 'engines', 'ls');
    expect([listed.code, listed.out]).toEqual([0, expect.stringMatching(/second +package +\d+\.\d+\.\d+ +cpu +yes/)]);
    const refused = await cli(url, 'engines', 'rm', 'second');
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/engine second is in use \(chosen for cpu; .*replica/)]);
    expect(await call(url, 'DELETE', `/v2/nodes/${nodeId}/engines/second`)).toMatchObject({ status: 409, body: { code: 'ENGINE_IN_USE' } });
    expect((await cli(url, 'engines', 'verify', 'second')).code).toBe(0);
    expect((await cli(url, 'engines', 'use', String(builtIn?.['engine_id']))).code).toBe(0);
    await eventually('nobody uses it', 120_000, async () => (await call(url, 'DELETE', `/v2/nodes/${nodeId}/engines/second`)).status === 204);
    expect((await engines(url)).map((engine) => engine['engine_id'])).toEqual([builtIn?.['engine_id']]);
    expect(await readdir(join(corral.stateDir, 'engines'))).not.toContain('second');
  }, PATIENCE_MS * 2);

  test('T-240 D-72 D-74 D-77 a damaged bundle and one of another version are turned down: what served serves on, and the reason is shown', async () => {
    const { corral } = await start(0);
    const { url } = corral;
    const nodeId = await nodeOf(url);
    await aStream(url, 2);
    const pid = await residentPid(corral, 'endless');
    const { path, bins } = await aPackage('damaged');
    await truncate(join(bins, 'llama-addon.node'), 4_096);
    const added = await toItsEnd(url, `/v2/nodes/${nodeId}/engines`, { mode: 'package', path, engine_id: 'damaged' });
    expect(added).toMatchObject({ state: 'failed', error: { code: 'ENGINE_UNUSABLE', message: expect.stringMatching(/engine damaged was not taken up for cpu: its probe failed .* serves on/) } });
    expect(await residentPid(corral, 'endless')).toBe(pid);
    expect((await aStream(url, 2)).at(-1)).toMatchObject({ event: 'end' });
    const shown = (await engines(url)).find((engine) => engine['engine_id'] === 'damaged');
    expect(shown).toMatchObject({ chosen_for: [], verification: { result: 'fail', reason: expect.stringMatching(/its probe failed on cpu/) } });
    expect((await call(url, 'DELETE', `/v2/nodes/${nodeId}/engines/damaged`)).status).toBe(204);

    const other = await aPackage('other');
    await truncate(join(other.path, 'package.json'), 0);
    const refused = await cli(url, 'engines', 'add', 'package', other.path);
    expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/without it the version of the build is not known/)]);
    expect(await residentPid(corral, 'endless')).toBe(pid);
  }, PATIENCE_MS * 2);

  test('T-241 D-71 a node that is killed while a bundle is added has no half of it afterwards', async () => {
    const { corral } = await start(0);
    const { url } = corral;
    const nodeId = await nodeOf(url);
    const { path } = await aPackage('cut');
    const before = corral.ready.pids.pool_managerd;
    await call(url, 'POST', `/v2/nodes/${nodeId}/engines`, { mode: 'package', path, engine_id: 'cut' });
    const folder = join(corral.stateDir, 'engines');
    await eventually('the copy has begun', 120_000, async () => (await readdir(join(folder, '.partial')).catch(() => [])).length > 0 || (await readdir(folder)).includes('cut'));
    process.kill(before, 'SIGKILL');
    await eventually('the node is back', 120_000, async () => (await aliveOf([before])).length === 0 && (await engines(url).catch(() => [])).length > 0);
    const [ids, folders] = [(await engines(url)).map((engine) => engine['engine_id']), (await readdir(folder)).filter((name) => !name.startsWith('.') && name !== 'engines.json')];
    // Either all of it or nothing: what is listed has its folder, and nothing else lies there.
    expect(folders).toEqual(ids.filter((id) => id === 'cut'));
    expect(await readdir(join(folder, '.partial')).catch(() => [])).toEqual([]);
    const again = await eventually('it takes tasks again', 120_000, async () => (await call(url, 'POST', '/v2/tasks', { model_ref: 'endless', prompt: 'Hi', max_tokens: 2 })).status === 202 && aStream(url, 2));
    expect(again.at(-1)).toMatchObject({ event: 'end', data: { tokens_out: 2 } });
  }, PATIENCE_MS * 2);
});
