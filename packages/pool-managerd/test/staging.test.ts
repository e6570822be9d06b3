import { readdirSync } from 'node:fs';
import { rename, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { CacheList } from '@corral/contracts';
import type { EngineProvider, ReplicaSpec } from '@corral/engine';
import { scriptedEngine } from '@corral/test-kit';
import { aFolder } from './an-area.js';
import { aStateDir, NodeUnderTest } from './node-under-test.js';
import type { NodeOptions } from './node-under-test.js';

/** A node whose loads are watched, with a staging area of its own. */
async function aNode(over: NodeOptions & { readonly maxBytes?: number; readonly stageDir?: string } = {}) {
  const inner = scriptedEngine();
  const starts: ReplicaSpec[] = [];
  const engine: EngineProvider = {
    ...inner,
    start: (spec, ports) => {
      starts.push(spec);
      return inner.start(spec, ports);
    },
  };
  const stageDir = over.stageDir ?? (await aFolder('/dev/shm'));
  const environment = { POOL_MANAGERD_STAGE_DIR: stageDir, POOL_MANAGERD_STAGE_MAX_BYTES: String(over.maxBytes ?? 10_000_000), ...over.environment };
  const node = await NodeUnderTest.start({ engine, ...over, environment });
  await node.untilReady();
  const cache = () => node.client.json<CacheList>('GET', '/v2/cache');
  const ids = async () => (await cache()).data.filter(({ state }) => state === 'staged').map(({ model_id }) => model_id);
  return { node, starts, stageDir, cache, ids, untilStaged: (id: string) => node.until(ids, (staged) => staged.includes(id)) };
}
const metric = async (node: NodeUnderTest, name: string) => {
  const { body } = await node.client.pool.request({ method: 'GET', path: '/metrics' });
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await body.text())?.[1]);
};
const call = async (node: NodeUnderTest, method: 'POST' | 'DELETE', path: string, body?: object) => {
  const answer = await node.client.pool.request({ method, path, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.body.text();
  return { status: answer.statusCode, body: text === '' ? null : (JSON.parse(text) as Record<string, unknown>) };
};

describe('wanted staged', () => {
  test('C-71 C-144 a model is staged without a load, then loads from there and stays when it is demoted', async () => {
    // What is parked holds on to its file.
    const { node, starts, ids, cache } = await aNode({ settings: { parking: { enabled: false } } });
    const a = await node.aModel('a');
    await node.post({ ...a, wanted: 'staged' });
    await node.untilResidency('a', 'staged');
    expect([await ids(), starts.length, (await cache()).data[0]?.leases]).toEqual([['a'], 0, 0]);
    await node.load({ ...a, generation: 2 });
    const [entry] = (await cache()).data;
    expect([starts.map(({ modelPath, weightsIo }) => [modelPath, weightsIo]), entry?.leases]).toEqual([[[entry?.path, 'mmap']], 1]);
    await node.post({ ...a, wanted: 'staged', generation: 3 });
    const status = await node.untilResidency('a', 'staged');
    expect([status?.progress, status?.last_error]).toEqual([null, null]);
    await node.until(async () => (await cache()).data[0]?.leases, (leases) => leases === 0);
  });

  test('C-224 C-75 what loads from the disk is staged after its load, and stays after its unload', async () => {
    const { node, starts, ids, untilStaged } = await aNode();
    const a = await node.aModel('a');
    await node.load(a);
    await untilStaged('a');
    await node.post({ ...a, wanted: 'absent', generation: 2 });
    // A copy that is left over is nobody's.
    await node.untilResidency('a', 'on_disk');
    await node.load({ ...a, generation: 3 });
    expect([starts.map(({ modelPath }) => modelPath.includes('/sha256-')), await ids()]).toEqual([[false, true], ['a']]);
  });

  test('C-72 C-74 T-111 a load of what is staged is a hit, any other is none', async () => {
    const { node, untilStaged } = await aNode();
    const counts = async () => [await metric(node, 'model_cache_hits'), await metric(node, 'model_cache_misses'), await metric(node, 'model_cache_entries'), await metric(node, 'model_cache_size_bytes')];
    const [a, b] = [await node.aModel('a'), await node.aModel('b')];
    await node.post({ ...a, wanted: 'staged' });
    await untilStaged('a');
    expect(await counts()).toEqual([0, 0, 1, 1_000_000]);
    await node.load({ ...a, generation: 2 });
    expect((await counts()).slice(0, 2)).toEqual([1, 0]);
    await node.load(b);
    await untilStaged('b');
    expect(await counts()).toEqual([1, 1, 2, 2_000_000]);
  });

  test('C-73 T-113 one that is larger than the area says so, stays on disk and loads from there', async () => {
    const { node, starts } = await aNode({ maxBytes: 999_999 });
    const a = await node.aModel('a');
    await node.post({ ...a, wanted: 'staged' });
    const status = await node.until(() => node.status('a'), (seen) => (seen?.last_error ?? null) !== null);
    expect([status?.residency, status?.last_error]).toEqual(['on_disk', expect.stringContaining('raise POOL_MANAGERD_STAGE_MAX_BYTES')]);
    expect(await call(node, 'POST', '/v2/cache/stage', { model_id: 'a' })).toMatchObject({ status: 413, body: { code: 'STAGE_TOO_LARGE' } });
    await node.load({ ...a, generation: 2 });
    expect(starts.map(({ modelPath }) => modelPath)).toEqual([join(node.stateDir, 'a.gguf')]);
  });

  test('C-70 with 0 bytes nothing is staged, and loads work', async () => {
    const { node, cache, stageDir } = await aNode({ maxBytes: 0 });
    await node.load(await node.aModel('a'));
    expect([await cache(), readdirSync(stageDir)]).toEqual([{ data: [], used_bytes: 0, max_bytes: 0, best_effort: true, failures: [], next_cursor: null }, []]);
    expect(node.controlPlane.heartbeats.at(-1)?.staging).toBeNull();
  });

  test('C-76 T-114 a staged model loads though its file on disk is gone, again after a restart of the node', async () => {
    const stateDir = await aStateDir();
    const first = await aNode({ stateDir });
    const a = await first.node.aModel('a');
    await first.node.post({ ...a, wanted: 'staged' });
    await first.node.untilResidency('a', 'staged');
    await rename(join(stateDir, 'a.gguf'), join(stateDir, 'elsewhere'));
    await first.node.load({ ...a, generation: 2 });
    await first.node.post({ ...a, wanted: 'staged', generation: 3 });
    await first.node.untilResidency('a', 'staged');
    await first.node.stop();
    const second = await aNode({ stateDir, stageDir: first.stageDir });
    await second.node.untilResidency('a', 'staged');
    await second.node.load({ ...a, generation: 4 });
    expect(second.starts.map(({ modelPath }) => modelPath.startsWith(second.stageDir))).toEqual([true]);
  });

  test('C-77 a file that is truncated after it was catalogued is not staged, and is looked at again', async () => {
    const { node, ids } = await aNode();
    const a = await node.aModel('a');
    await node.post({ ...a, wanted: 'on_disk' });
    await node.until(() => node.status('a'), (seen) => seen?.residency === 'on_disk' && seen.progress === null);
    const path = join(node.stateDir, 'a.gguf');
    await truncate(path, 500_000);
    expect((await call(node, 'POST', '/v2/cache/stage', { model_id: 'a' })).status).toBe(202);
    const failure = await node.until(() => node.controlPlane.heartbeats.at(-1)?.staging?.failures[0]?.message, (message) => message !== undefined);
    expect([failure, await ids()]).toEqual([expect.stringMatching(/a was not staged: .* has 500000 bytes instead of 1000000/), []]);
    // Looked at again, it is another file: the same name with other bytes.
    await node.until(() => node.controlPlane.heartbeats.at(-1)?.models[0]?.size_bytes, (bytes) => bytes === 500_000);
  });
});

describe('/v2/cache', () => {
  test('C-03 C-73 T-112 stage, list and drop by hand; the third of two leaves the least recently used', async () => {
    const { node, cache, ids, untilStaged } = await aNode({ maxBytes: 2_000_000 });
    for (const id of ['a', 'b', 'c']) await node.post({ ...(await node.aModel(id)), wanted: 'on_disk' });
    await node.until(() => node.controlPlane.heartbeats.at(-1)?.models.length, (count) => count === 3);
    for (const id of ['a', 'b', 'c']) {
      expect(await call(node, 'POST', '/v2/cache/stage', { model_id: id })).toMatchObject({ status: 202, body: { model_id: id, size_bytes: 1_000_000 } });
      await untilStaged(id);
    }
    expect([await ids(), (await cache()).used_bytes, await metric(node, 'model_cache_evictions_total\\{reason="room"\\}')]).toEqual([['b', 'c'], 2_000_000, 1]);
    const [entry] = (await cache()).data;
    expect([entry, (await stat(entry?.path ?? '')).size]).toEqual([{ model_id: 'b', digest: expect.stringMatching(/^sha256:/), path: expect.any(String), size_bytes: 1_000_000, state: 'staged', progress: null, pinned: false, leases: 0 }, 1_000_000]);
    expect([(await call(node, 'DELETE', '/v2/cache/b')).status, await ids(), (await call(node, 'DELETE', '/v2/cache/b')).status]).toEqual([204, ['c'], 404]);
    expect(await call(node, 'POST', '/v2/cache/stage', { model_id: 'none' })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await call(node, 'POST', '/v2/cache/stage', { model_id: 'a', more: 1 })).toMatchObject({ status: 400, body: { field: 'more' } });
  });

  test('C-03 what a replica has mapped cannot be dropped', async () => {
    const { node } = await aNode();
    const a = await node.aModel('a');
    await node.post({ ...a, wanted: 'staged' });
    await node.untilResidency('a', 'staged');
    await node.load({ ...a, generation: 2 });
    expect(await call(node, 'DELETE', '/v2/cache/a')).toMatchObject({ status: 409, body: { code: 'MODEL_IN_USE' } });
  });

  test('C-70 C-226 the state has the area and the speeds of RAM and disk', async () => {
    const { node } = await aNode();
    const a = await node.aModel('a');
    await node.post({ ...a, wanted: 'staged' });
    await node.untilResidency('a', 'staged');
    await node.load({ ...a, generation: 2 });
    const state = await node.until(() => node.controlPlane.heartbeats.at(-1), (seen) => (seen?.bytes_per_s.staged ?? null) !== null);
    expect([state?.staging, state?.bytes_per_s]).toEqual([
      { used_bytes: 1_000_000, max_bytes: 10_000_000, best_effort: false, entries: [expect.objectContaining({ model_id: 'a', state: 'staged', leases: 1 })], failures: [] },
      { staged: expect.any(Number), on_disk: expect.any(Number), network: null },
    ]);
  });

  test('C-76 a folder that is not in RAM is best effort, and works', async () => {
    const { node, cache } = await aNode({ stageDir: await aFolder() });
    const a = await node.aModel('a');
    await node.post({ ...a, wanted: 'staged' });
    await node.untilResidency('a', 'staged');
    expect((await cache()).best_effort).toBe(true);
  });

  test('C-221 a folder that cannot be used stages nothing, and the models load from disk', async () => {
    const dir = await aFolder();
    await writeFile(join(dir, 'file'), '');
    const { node } = await aNode({ stageDir: join(dir, 'file') });
    await node.load(await node.aModel('a'));
    expect(node.log.filter(({ message }) => message === 'nothing can be staged').map(({ level }) => level)).toEqual(['warn']);
    await unlink(join(dir, 'file'));
  });
});
