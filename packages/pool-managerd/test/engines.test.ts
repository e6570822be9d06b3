import { chmod, cp, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EngineBundle, Operation } from '@corral/contracts';
import { createLlamacppEngine } from '@corral/engine';
import type { EngineProvider } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { llamacppPrograms, writeTinyModel } from '@corral/test-kit';
import { anAssignment } from './an-assignment.js';
import { NodeUnderTest } from './node-under-test.js';
import type { NodeOptions } from './node-under-test.js';

/** Native code is slow to start where many share the machine. */
const PATIENT = { replicas: { probe_timeout_ms: 60_000, load_stall_ms: 60_000, batch_tokens: 64, prefill_chunk_tokens: 32, swap_linger_ms: 0 }, cpu_pool: { threads: 1, replicas: 3 } };

let dir = '';
let model = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'node-engines-'));
  model = (await writeTinyModel(join(dir, 'tiny.gguf'), { chain: ['c', 'o', 'r', 'a', 'l'] })).path;
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const llamacpp = (): EngineProvider => createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog, programs: llamacppPrograms(), cacheDir: join(dir, 'cache') });

/** A copy of the prebuilt package for the CPU, as it is unpacked. */
async function aPackage(name: string): Promise<{ readonly path: string; readonly bins: string }> {
  const bins = llamacpp().builtIn.find(({ deviceKind }) => deviceKind === 'cpu')?.folder ?? '';
  const root = dirname(dirname(bins));
  const path = join(dir, name);
  await cp(root, path, { recursive: true, dereference: true });
  return { path, bins: join(path, 'bins', bins.slice(dirname(bins).length + 1)) };
}

async function start(options: Partial<Pick<NodeOptions, 'stateDir' | 'toolEnvironment'>> = {}): Promise<NodeUnderTest> {
  const node = await NodeUnderTest.start({ engine: llamacpp(), settings: PATIENT, ...options });
  await node.until(() => node.pools(), (pools) => pools.some(({ ready }) => ready), 60_000);
  return node;
}

const engines = async (node: NodeUnderTest): Promise<readonly EngineBundle[]> => (await node.client.json<{ data: EngineBundle[] }>('GET', '/v2/engines')).data;
const shown = async (node: NodeUnderTest) => (await engines(node)).filter(({ device_kinds: kinds }) => kinds.includes('cpu')).map(({ engine_id, chosen_for }) => [engine_id, chosen_for]);

async function ended(node: NodeUnderTest, path: string, body?: object): Promise<Operation> {
  const { operation_id: id } = await node.client.json<Operation>('POST', path, body);
  return await node.until(() => node.client.json<Operation>('GET', `/v2/operations/${id}`), ({ state }) => state !== 'running', 120_000);
}

async function loaded(node: NodeUnderTest): Promise<void> {
  const assignment = anAssignment('tiny', { target: { node_id: 'n1', pool_id: 'n1-cpu' } });
  await node.post({ ...assignment, model: { ...assignment.model, sources: [`file:${model}`] } });
  const status = await node.until(() => node.status('tiny'), (seen) => seen?.residency === 'resident' || seen?.last_error !== null, 60_000);
  expect(status?.last_error).toBeNull();
}

const replicas = async (node: NodeUnderTest) => (await node.pool()).replicas.map(({ engine_id, engine_version, state, pid }) => ({ engine_id, engine_version, state, pid }));

/** Events are sent when what they tell has happened, not before. */
const told = (node: NodeUnderTest, event: string) => node.until(() => node.controlPlane.events.map(({ type }) => type as string), (types) => types.includes(event));

describe('D-74 engine bundles of a node', () => {
  test('D-11 D-74 D-75 another bundle is taken up without a restart, and the one before can be removed once it is not used', async () => {
    const node = await start();
    await loaded(node);
    expect(await shown(node)).toEqual([['llamacpp-3.22.1-cpu', []]]);
    const [before] = await replicas(node);
    expect(before).toMatchObject({ engine_id: 'llamacpp-3.22.1-cpu', engine_version: '3.22.1', state: 'resident' });

    const { path } = await aPackage('second');
    const added = await ended(node, '/v2/engines', { mode: 'package', path, engine_id: 'second' });
    expect(added).toMatchObject({ state: 'succeeded', error: null, result: { engine: { engine_id: 'second', chosen_for: ['cpu'] }, changes: [{ engine_id: 'second', device_kind: 'cpu', previous: 'llamacpp-3.22.1-cpu', swapped: 1, reason: null }] } });
    const [after] = await node.until(() => replicas(node), (all) => all.length === 1 && all[0]?.state === 'resident');
    expect([after?.engine_id, after?.pid === before?.pid]).toEqual(['second', false]);
    expect(await readFile(`/proc/${after?.pid ?? 0}/maps`, 'utf8')).toContain(join(node.stateDir, 'engines', 'second', 'llama-addon.node'));
    await told(node, 'catalog.engine_used');

    const refused = await node.client.exchange('DELETE', '/v2/engines/second').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'ENGINE_IN_USE', message: expect.stringMatching(/in use \(chosen for cpu; replica n1-cpu-/) });
    expect(await ended(node, '/v2/engines/llamacpp-3.22.1-cpu/use')).toMatchObject({ state: 'succeeded' });
    await node.until(() => replicas(node), (all) => all.length === 1 && all[0]?.engine_id === 'llamacpp-3.22.1-cpu');
    await node.until(() => node.client.exchange('DELETE', '/v2/engines/second').then(({ status }) => status, () => 0), (status) => status === 204);
    expect(await shown(node)).toEqual([['llamacpp-3.22.1-cpu', ['cpu']]]);
  }, 600_000);

  test('D-74 D-77 a damaged bundle fails its probe: what served serves on, in the same process, and the reason is kept', async () => {
    const node = await start();
    await loaded(node);
    const before = await replicas(node);
    const { path, bins } = await aPackage('damaged');
    await truncate(join(bins, 'llama-addon.node'), 4_096);
    const added = await ended(node, '/v2/engines', { mode: 'package', path, engine_id: 'damaged' });
    expect(added).toMatchObject({ state: 'failed', error: { code: 'ENGINE_UNUSABLE', message: expect.stringMatching(/^engine damaged was not taken up for cpu: its probe failed on cpu: .*; llamacpp-3\.22\.1-cpu serves on/) } });
    expect(await replicas(node)).toEqual(before);
    const [entry] = (await engines(node)).filter(({ engine_id }) => engine_id === 'damaged');
    expect([entry?.verification.result, entry?.chosen_for]).toEqual(['fail', []]);
    await told(node, 'catalog.engine_rejected');
    await expect(node.client.json('POST', '/v2/engines/damaged/use')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await node.client.exchange('DELETE', '/v2/engines/damaged')).status).toBe(204);
  }, 600_000);

  test('D-72 D-76 another version is refused; a file that changed is found, and what cannot serve gives way at the next start', async () => {
    const node = await start();
    const { path } = await aPackage('third');
    await writeFile(join(path, 'package.json'), '{"name":"@node-llama-cpp/linux-x64","version":"3.0.0"}');
    expect(await ended(node, '/v2/engines', { mode: 'package', path, engine_id: 'third' })).toMatchObject({ state: 'failed', error: { code: 'ENGINE_UNUSABLE', message: expect.stringMatching(/has version 3\.0\.0 and this program runs 3\.22\.1 alone/) } });
    await writeFile(join(path, 'package.json'), '{"name":"@node-llama-cpp/linux-x64","version":"3.22.1"}');
    expect(await ended(node, '/v2/engines', { mode: 'package', path, engine_id: 'third' })).toMatchObject({ state: 'succeeded' });
    expect(await ended(node, '/v2/engines/third/verify')).toMatchObject({ result: { verification: { result: 'pass' } } });
    await truncate(join(node.stateDir, 'engines', 'third', 'libggml-base.so'), 10);
    expect(await ended(node, '/v2/engines/third/verify')).toMatchObject({ result: { verification: { result: 'fail', reason: expect.stringMatching(/libggml-base\.so is another file/) } } });
    await node.stop();
    const again = await start({ stateDir: node.stateDir });
    await loaded(again);
    expect((await replicas(again))[0]?.engine_id).toBe('llamacpp-3.22.1-cpu');
    expect(again.log.map(({ message }) => message)).toContain('chosen engine cannot serve; what came with the program does');
  }, 600_000);

  test('D-25 D-73 D-78 a local build is measured, tried and taken up; the compiler stands for a real one, what it brings is real', async () => {
    const bins = llamacpp().builtIn.find(({ deviceKind }) => deviceKind === 'cpu')?.folder ?? '';
    const node = await start({ toolEnvironment: { PATH: `${await aToolbox(bins)}:/usr/bin:/bin` } });
    await loaded(node);
    const added = await ended(node, '/v2/engines', { mode: 'source', engine_id: 'local' });
    expect(added).toMatchObject({ state: 'succeeded', error: null, result: { engine: { engine_id: 'local', mode: 'source', chosen_for: ['cpu'], build_flags: expect.arrayContaining(['GGML_NATIVE=ON']), gain: { against: 'llamacpp-3.22.1-cpu', threads: 1, prefill: expect.any(Number), decode: expect.any(Number) } } } });
    await node.until(() => replicas(node), (all) => all.length === 1 && all[0]?.engine_id === 'local' && all[0].state === 'resident');
  }, 600_000);
});

/** Ten minutes of compiling on a quiet machine, half an hour on a busy one: only where it is asked for. */
const isAsked = process.env['CORRAL_TEST_SOURCE_BUILD'] === '1';
if (isAsked) test(
  'D-73 D-78 the sources inside the package make a bundle that serves, without a network',
  async () => {
    const node = await start({ toolEnvironment: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' } });
    const { operation_id: id } = await node.client.json<Operation>('POST', '/v2/engines', { mode: 'source', engine_id: 'local' });
    const built = await node.until(() => node.client.json<Operation>('GET', `/v2/operations/${id}`), ({ state }) => state !== 'running', 7_000_000);
    expect(built).toMatchObject({ state: 'succeeded', result: { engine: { chosen_for: ['cpu'], gain: { against: 'llamacpp-3.22.1-cpu' } } } });
  },
  7_200_000,
);

/** Programs that stand for git, cmake and compilers; the build "compiles" to the files of a real prebuilt. */
async function aToolbox(bins: string): Promise<string> {
  const bin = join(dir, 'toolbox');
  await mkdir(bin, { recursive: true });
  const scripts = {
    git: 'case " $* " in *" clone "*) mkdir -p "$6" ;; esac',
    cmake: `case "$1" in --build) mkdir -p "$2/bin"; cp ${bins}/*.so "$2/bin"; cp ${bins}/llama-addon.node "$2"; echo "[1/1] Linking" ;; esac`,
    'c++': '',
    cc: '',
    ninja: '',
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}
