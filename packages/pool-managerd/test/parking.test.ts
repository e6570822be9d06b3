import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Assignment } from '@corral/contracts';
import type { EngineProvider, ReplicaSpec } from '@corral/engine';
import { scriptedEngine } from '@corral/test-kit';
import { aStateDir, isAlive, NodeUnderTest, workerPids } from './node-under-test.js';
import type { NodeOptions } from './node-under-test.js';

/** Several processes start in some of these. */
const SLOW_MS = 600_000;

/** An engine that remembers what it was asked to start. */
function watchedEngine(options: Parameters<typeof scriptedEngine>[0] = {}): { engine: EngineProvider; starts: ReplicaSpec[] } {
  const inner = scriptedEngine(options);
  const starts: ReplicaSpec[] = [];
  return { engine: { ...inner, start: (spec, ports) => (starts.push(spec), inner.start(spec, ports)) }, starts };
}

async function start(behaviour: Parameters<typeof scriptedEngine>[0] = {}, settings: object = {}, more: NodeOptions = {}) {
  const { engine, starts } = watchedEngine(behaviour);
  const stateDir = more.stateDir ?? (await aStateDir());
  const node = await NodeUnderTest.start({ engine, stateDir, settings: { stage: { dir: join(stateDir, 'stage') }, ...settings }, ...more });
  return { node, starts, stateDir };
}

const replicaIn = async (node: NodeUnderTest) => (await node.pool()).replicas[0];
const untilParked = (node: NodeUnderTest) => node.until(() => replicaIn(node), (replica) => replica?.state === 'parked');
/** Files of kept prefixes, under every staging folder of the node. */
const prefixFiles = (stateDir: string): readonly string[] => readdirSync(join(stateDir, 'stage'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.kv'));

/** Makes a model resident from the staging area; returns its replica's pid. */
async function loadStaged(node: NodeUnderTest, a: Assignment): Promise<number> {
  await node.untilReady();
  await node.post({ ...a, wanted: 'staged' });
  await node.untilResidency(a.instance_id, 'staged');
  await node.load({ ...a, generation: 2 });
  return (await replicaIn(node))?.pid ?? 0;
}

describe('parked replicas', () => {
  test('C-250 C-253 a demoted replica parks, holds less, and comes back in the same process', async () => {
    const { node, starts } = await start();
    const a = await node.aModel('a', {}, 200_000_000);
    const pid = await loadStaged(node, a);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    const parked = await untilParked(node);
    expect(parked).toMatchObject({ pid, slots_free: 0, ready_since_ms: null, load_progress: null });
    expect((await node.pool()).memory_used_bytes).toBe(parked?.memory_bytes);
    expect(await node.status('a')).toMatchObject({ residency: 'staged', replica_id: null });
    await node.until(() => node.controlPlane.events.map(({ type }) => type), (types) => types.includes('instance.evicted'));
    const refused = await node.task({ replica_id: parked?.replica_id ?? '' });
    expect([refused.statusCode, await refused.body.json()]).toMatchObject([503, { code: expect.any(String) }]);
    await node.load({ ...a, generation: 4 });
    expect([(await replicaIn(node))?.pid, starts.length]).toEqual([pid, 1]);
    const answer = await node.task({ replica_id: parked?.replica_id ?? '' });
    expect([answer.statusCode, (await answer.body.text()).includes('event: end')]).toEqual([200, true]);
  }, SLOW_MS);

  test('C-250 what was loaded from disk parks only where that is wished, and then counts with its weights', async () => {
    const { node } = await start({}, { stage: { max_bytes: 0 } });
    const a = await node.aModel('a');
    await node.load(a);
    await node.post({ ...a, wanted: 'on_disk', generation: 2 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    const wished = await start({}, { stage: { max_bytes: 0 }, parking: { unstaged: true } });
    const b = await wished.node.aModel('b');
    await wished.node.load(b);
    await wished.node.post({ ...b, wanted: 'on_disk', generation: 2 });
    expect((await untilParked(wished.node))?.memory_bytes).toBeGreaterThan(1_000_000);
    await wished.node.post({ ...b, wanted: 'absent', generation: 3 });
    await wished.node.until(() => wished.node.pool(), ({ replicas }) => replicas.length === 0);
    expect(workerPids()).toEqual([]);
  }, SLOW_MS);

  test('C-252 it leaves when a load wants its memory, and its staged file when its model is to be absent', async () => {
    const { node } = await start({}, { cpu_pool: { memory_bytes: 100_000_000 } });
    const a = await node.aModel('a');
    const pid = await loadStaged(node, a);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    await untilParked(node);
    await node.load(await node.aModel('b', {}, 95_000_000));
    expect([isAlive(pid), (await node.pool()).replicas.map(({ model_id, state }) => [model_id, state])]).toEqual([false, [['b', 'resident']]]);
  }, SLOW_MS);

  test.each([{ failResume: 'out_of_memory' }, { crashIn: 'resume' }] as const)('C-253 one that cannot come back is loaded, and that is no failure of it: %j', async (behaviour) => {
    const { node, starts } = await start({ behaviour: (_, count) => (count === 0 ? behaviour : {}) });
    const a = await node.aModel('a');
    const pid = await loadStaged(node, a);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    await untilParked(node);
    await node.load({ ...a, generation: 4 });
    const back = await replicaIn(node);
    expect([starts.length, back?.pid === pid, isAlive(pid), back?.failures, back?.last_error]).toEqual([2, false, false, 0, null]);
  }, SLOW_MS);

  test.each([{ hang: 'park' }, { crashIn: 'park' }] as const)('C-250 one that cannot be parked is ended: %j', async (behaviour) => {
    const { node } = await start({ behaviour });
    const a = await node.aModel('a');
    await loadStaged(node, a);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(await node.status('a')).toMatchObject({ residency: 'staged', last_error: null });
  }, SLOW_MS);

  test('C-241 a parked replica that dies is gone without a word', async () => {
    const { node, starts } = await start();
    const a = await node.aModel('a');
    const pid = await loadStaged(node, a);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    await untilParked(node);
    process.kill(pid, 'SIGKILL');
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    await node.load({ ...a, generation: 4 });
    expect([starts.length, (await replicaIn(node))?.failures]).toEqual([2, 0]);
  }, SLOW_MS);

  test('C-21 C-241 a pool that is drained and a daemon that stops end what is parked', async () => {
    const { node } = await start();
    const a = await node.aModel('a');
    const pid = await loadStaged(node, a);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    await untilParked(node);
    await node.client.exchange('POST', '/v2/pools/n1-cpu/drain', {});
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(isAlive(pid)).toBe(false);
    await node.client.exchange('DELETE', '/v2/pools/n1-cpu/drain');
    await node.load({ ...a, generation: 4 });
    await node.post({ ...a, wanted: 'staged', generation: 5 });
    await untilParked(node);
    await node.stop();
    expect(workerPids()).toEqual([]);
  }, SLOW_MS);

  test('C-250 parking can be switched off', async () => {
    const { node } = await start({}, { parking: { enabled: false } });
    const a = await node.aModel('a');
    await loadStaged(node, a);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(await node.status('a')).toMatchObject({ residency: 'staged', last_error: null });
  }, SLOW_MS);
});

describe('kept prefixes', () => {
  const keeping = { behaviour: { prefixBytes: 1_000 } };

  test('C-254 C-255 what a replica held is written before it leaves, offered to the next load of the same shape, and survives the daemon', async () => {
    const { node, starts, stateDir } = await start(keeping, { parking: { enabled: false } });
    const a = await node.aModel('a');
    await node.load(a);
    await node.post({ ...a, wanted: 'on_disk', generation: 2 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    const kept = prefixFiles(stateDir);
    expect(kept.length).toBe(2);
    await node.load({ ...a, generation: 3 });
    await node.stop();
    const again = await start(keeping, {}, { stateDir });
    await again.node.untilReady();
    await again.node.until(() => again.node.status('a'), (status) => status?.residency === 'resident');
    expect(prefixFiles(stateDir)).toEqual(kept);
    expect(new Set([...starts, ...again.starts].map(({ prefixFolder }) => prefixFolder)).size).toBe(1);
    expect(join(starts[0]?.prefixFolder ?? '', 'slot-0.kv').endsWith(kept[0] ?? '?')).toBe(true);
  }, SLOW_MS);

  test('C-255 a replica that does not come to an end with it is ended in time, and one that dies of it is ended anyway', async () => {
    for (const behaviour of [{ hang: 'save' }, { crashIn: 'save' }] as const) {
      const { node } = await start({ behaviour }, { prefixes: { save_ms: 200 } });
      const a = await node.aModel('a');
      await node.load(a);
      await node.post({ ...a, wanted: 'on_disk', generation: 2 });
      await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
      expect(await node.status('a')).toMatchObject({ residency: 'on_disk', last_error: null });
    }
  }, SLOW_MS);

  test('C-254 they stay within their limit, what was used longest ago leaves first, and none are kept where nobody wants it', async () => {
    const { node, stateDir } = await start(keeping, { prefixes: { max_bytes: 3_000 } });
    const [a, b] = [await node.aModel('a'), await node.aModel('b')];
    for (const [n, one] of [a, b].entries()) {
      await node.load(one);
      await node.post({ ...one, wanted: 'on_disk', generation: 2 });
      await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
      expect([n, prefixFiles(stateDir).length]).toEqual([n, n === 0 ? 2 : 3]);
    }
    const off = await start(keeping, { prefixes: { enabled: false } });
    const c = await off.node.aModel('c');
    await off.node.load(c);
    await off.node.post({ ...c, wanted: 'on_disk', generation: 2 });
    await off.node.until(() => off.node.pool(), ({ replicas }) => replicas.length === 0);
    expect([prefixFiles(off.stateDir), off.starts.map(({ prefixFolder }) => prefixFolder)]).toEqual([[], [null]]);
  }, SLOW_MS);

  test('C-254 a model that the node does not have any longer leaves nothing', async () => {
    const { node, stateDir } = await start(keeping);
    const a = await node.aModel('a');
    await node.load(a);
    await node.post({ ...a, wanted: 'on_disk', generation: 2 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(prefixFiles(stateDir).length).toBe(2);
    await node.stop();
    rmSync(join(stateDir, 'models', 'catalog.json'));
    rmSync(join(stateDir, 'node', 'journal.json'));
    const again = await start(keeping, {}, { stateDir });
    await again.node.untilReady();
    await again.node.until(() => prefixFiles(stateDir), (files) => files.length === 0);
  }, SLOW_MS);
});
