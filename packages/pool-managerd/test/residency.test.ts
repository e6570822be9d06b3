import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EngineProvider, ReplicaSpec } from '@corral/engine';
import { scriptedEngine } from '@corral/test-kit';
import { isAlive, NodeUnderTest, workerPids } from './node-under-test.js';

/** An engine that remembers what it was asked to start. */
function watchedEngine(options: Parameters<typeof scriptedEngine>[0] = {}): { engine: EngineProvider; starts: ReplicaSpec[] } {
  const inner = scriptedEngine(options);
  const starts: ReplicaSpec[] = [];
  const start: EngineProvider['start'] = (spec, ports) => {
    starts.push(spec);
    return inner.start(spec, ports);
  };
  return { engine: { ...inner, start }, starts };
}
const eventsOf = (node: NodeUnderTest) => node.controlPlane.events.map(({ type }) => type);

describe('loads', () => {
  test('C-10 C-13 C-17 C-22 C-80 C-84 an assignment is provisioned, loaded and probed, and each step is told', async () => {
    const node = await NodeUnderTest.start();
    const a = await node.aModel('a');
    const replicaId = await node.load(a);
    const pool = await node.pool();
    expect(pool.replicas).toEqual([
      {
        replica_id: replicaId,
        pid: expect.any(Number),
        model_id: 'a',
        digest: expect.stringMatching(/^sha256:/),
        state: 'resident',
        context: 256,
        slots_total: 2,
        slots_free: 2,
        memory_bytes: 1_051_200,
        threads: 1,
        load_progress: null,
        ready_since_ms: expect.any(Number),
        last_error: null,
        restarts: 0,
        failures: 0,
        breaker: { state: 'closed', retry_at_ms: null },
      },
    ]);
    expect({ used: pool.memory_used_bytes, slots: [pool.slots_total, pool.slots_free], ready: pool.ready, live: pool.live }).toEqual({ used: 1_051_200, slots: [2, 2], ready: true, live: true });
    await node.until(() => eventsOf(node), (types) => types.includes('instance.loaded'));
    expect(eventsOf(node)).toEqual(['pool.ready', 'catalog.model_registered', 'instance.loading', 'instance.loaded']);
  });

  test('D-60 what the replica took is told to the control plane and kept for the next start', async () => {
    const node = await NodeUnderTest.start();
    await node.load(await node.aModel('a'));
    const taken = await node.until(
      async () => node.controlPlane.heartbeats.at(-1)?.models.find(({ model_id }) => model_id === 'a')?.facts?.memory,
      (memory) => Object.values(memory ?? {}).some(({ measured }) => (measured?.length ?? 0) > 0),
    );
    expect(Object.values(taken ?? {}).map(({ measured }) => measured)).toEqual([[{ context: 256, slots: 2, weights_bytes: 1_000_000, context_bytes: 51_200 }]]);
    const index = await readFile(join(node.stateDir, 'models', 'catalog.json'), 'utf8');
    expect(index).toContain('"weights_bytes":1000000');
  });

  test('C-82 the same assignment again, or in a newer generation, starts nothing', async () => {
    const { engine, starts } = watchedEngine();
    const node = await NodeUnderTest.start({ engine });
    const a = await node.aModel('a');
    await node.load(a);
    expect(await node.post(a, { ...a, generation: 2 })).toEqual(['stale', 'accepted']);
    await node.load({ ...a, generation: 3 });
    expect(starts.length).toBe(1);
  });

  test('C-82 instances that want the same file in the same shape share a replica, and it goes with the last of them', async () => {
    const { engine, starts } = watchedEngine();
    const node = await NodeUnderTest.start({ engine });
    const a = await node.aModel('a');
    const b = { ...a, instance_id: 'b' };
    const replicaId = await node.load(a);
    expect(await node.load(b)).toBe(replicaId);
    await node.post({ ...a, wanted: 'absent', generation: 2 });
    await node.until(() => node.status('a'), (status) => status?.residency === 'on_disk');
    expect((await node.pool()).replicas.map(({ state }) => state)).toEqual(['resident']);
    await node.post({ ...b, wanted: 'absent', generation: 2 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(starts.length).toBe(1);
  });

  test('E-10 C-80 load and unload in quick succession end without a replica and without a process', async () => {
    const { engine, starts } = watchedEngine({ behaviour: { preloadMs: 10_000 } });
    const node = await NodeUnderTest.start({ engine });
    const a = await node.aModel('a');
    await node.untilReady();
    await node.post(a);
    await node.untilResidency('a', 'loading');
    await node.post({ ...a, wanted: 'absent', generation: 2 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(await node.status('a')).toMatchObject({ residency: 'on_disk', generation: 2, replica_id: null });
    expect(starts.length).toBe(1);
  });

  test('D-20 on_disk brings the file and its facts, and loads nothing', async () => {
    const { engine, starts } = watchedEngine();
    const node = await NodeUnderTest.start({ engine });
    await node.untilReady();
    await node.post(await node.aModel('a', { wanted: 'on_disk' }));
    await node.untilResidency('a', 'on_disk');
    const { models } = await node.client.json<{ models: { model_id: string; facts: object | null }[] }>('GET', '/v2/node');
    expect(models).toMatchObject([{ model_id: 'a', size_bytes: 1_000_000, facts: { architecture: 'scripted', memory: { cpu: { weights_device_bytes: 1_000_000 } } } }]);
    expect(starts).toEqual([]);
  });
});

describe('memory', () => {
  const pool = { environment: { CPU_POOL_MEMORY_BYTES: '1500000' } };

  test('C-14 a model that needs the place of another waits until that one is gone, whatever the order of events', async () => {
    const node = await NodeUnderTest.start(pool);
    const [a, b] = [await node.aModel('a'), await node.aModel('b')];
    const pid = (await node.load(a), (await node.pool()).replicas[0]?.pid ?? 0);
    await node.post(b);
    await node.post({ ...a, wanted: 'on_disk', generation: 2, reason: 'b waits for its memory' });
    await node.untilResidency('b', 'resident');
    expect(isAlive(pid)).toBe(false);
    await node.until(() => eventsOf(node), (types) => types.filter((type) => type === 'instance.loaded').length === 2);
    expect(eventsOf(node).filter((type) => type === 'instance.evicted')).toEqual(['instance.evicted']);
    expect(node.log.filter(({ fields }) => 'human' in fields && 'model_id' in fields && fields.model_id === 'a').map(({ fields }) => (fields as { human: string }).human)).toEqual([
      expect.stringMatching(/^a is being loaded and needs about/),
      expect.stringMatching(/^a is ready after/),
      'a takes no more work: b waits for its memory.',
      'a is being unloaded.',
      expect.stringMatching(/^a has left and frees/),
    ]);
  });

  test('C-14 where nothing will make room, the load fails with the numbers, and succeeds once there is', async () => {
    const node = await NodeUnderTest.start(pool);
    const [a, b] = [await node.aModel('a'), await node.aModel('b')];
    await node.load(a);
    await node.post(b);
    expect(await node.untilResidency('b', 'failed')).toMatchObject({ last_error: 'b needs 1.0 MiB (256 tokens × 2 slots), pool n1-cpu has 1.4 MiB and 1.0 MiB of it stay with a; unload one' });
    expect((await node.pool()).last_error).toContain('b needs 1.0 MiB');
    await node.post({ ...a, wanted: 'absent', generation: 2 });
    await node.untilResidency('b', 'resident');
    expect((await node.pool()).last_error).toBeNull();
  });

  test('C-14 a replica that takes more than was left is ended, and not loaded over and over', async () => {
    const { engine, starts } = watchedEngine();
    const node = await NodeUnderTest.start({ engine, ...pool, environment: { CPU_POOL_MEMORY_BYTES: '900000' } });
    await node.untilReady();
    await node.post(await node.aModel('a', {}, 500_000));
    const status = await node.untilResidency('a', 'failed');
    expect(status?.last_error).toContain('the replica took 1.0 MiB');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([starts.length, workerPids(), (await node.pool()).memory_used_bytes]).toEqual([1, [], 0]);
  });

  test('C-141 the threads of all replicas together stay within the cores', async () => {
    const { engine, starts } = watchedEngine();
    const node = await NodeUnderTest.start({ engine });
    await node.load(await node.aModel('a'));
    await node.load(await node.aModel('b'));
    expect(starts.map(({ threads }) => threads)).toEqual([1, 1]);
    await node.post(await node.aModel('c'));
    expect(await node.untilResidency('c', 'failed')).toMatchObject({ last_error: 'pool n1-cpu holds at most 2 replicas and a, b stay; unload one' });
  });
});

describe('failures', () => {
  test('T-101 C-15 a worker that never becomes healthy is ended, and the error says health check', async () => {
    for (const hang of ['load', 'generate'] as const) {
      const node = await NodeUnderTest.start({ engine: scriptedEngine({ behaviour: { hang } }), settings: { replicas: { probe_timeout_ms: 1_000, load_stall_ms: 2_000 }, supervision: { backoff_initial_ms: 60_000, backoff_max_ms: 60_000 } } });
      await node.untilReady();
      await node.post(await node.aModel('a'));
      await node.until(workerPids, (pids) => pids.length === 1);
      expect((await node.untilResidency('a', 'failed'))?.last_error).toContain('health check failed');
      expect(workerPids()).toEqual([]);
    }
  });

  test('T-62 C-11 a file with another digest is never loaded, and the error names the digest', async () => {
    const { engine, starts } = watchedEngine();
    const node = await NodeUnderTest.start({ engine });
    await node.untilReady();
    const digest = `sha256:${'0'.repeat(64)}`;
    await node.post(await node.aModel('a', { digest }));
    expect((await node.untilResidency('a', 'failed'))?.last_error).toContain('sha256:000000');
    expect(starts).toEqual([]);
  });

  test('C-50 C-16 the last words of a worker are the error of its replica, and its whole output is kept', async () => {
    const node = await NodeUnderTest.start({ engine: scriptedEngine({ behaviour: { crashAfterTokens: 2 } }) });
    const replicaId = await node.load(await node.aModel('a'));
    const answer = await node.task({ replica_id: replicaId });
    await expect(answer.body.text()).rejects.toThrow();
    const failed = await node.until(() => node.log.find(({ message, fields }) => message === 'replica changed' && 'to' in fields && fields.to === 'failed'), (line) => line !== undefined);
    expect(failed?.fields).toMatchObject({ from: 'resident', cause: 'its process ended by itself', last_error: expect.stringContaining('GGML_ASSERT(scripted) failed'), failures: 1, reason: 'exit', backoff_ms: expect.any(Number) });
    const output = await node.until(() => readFile(join(node.stateDir, 'node', 'workers.jsonl'), 'utf8'), (text) => text.includes('GGML_ASSERT'));
    expect(output).toContain(`"replica_id":"${replicaId}"`);
  });

  test('C-11 C-12 the file is looked at again before a second try', async () => {
    let isBroken = true;
    const { engine, starts } = watchedEngine({ behaviour: () => (isBroken ? { failPreload: 'bad_model' } : {}) });
    const node = await NodeUnderTest.start({ engine, settings: { supervision: { backoff_initial_ms: 1_500, backoff_max_ms: 1_500 } } });
    const a = await node.aModel('a');
    await node.untilReady();
    await node.post(a);
    await node.until(() => starts.length, (count) => count === 1);
    await rm(join(node.stateDir, 'a.gguf'));
    const status = await node.until(() => node.status('a'), (seen) => seen?.last_error?.includes('a.gguf') === true);
    expect([status?.residency, starts.length]).toEqual(['failed', 1]);
    isBroken = false;
    await writeFile(join(node.stateDir, 'a.gguf'), Buffer.alloc(1_000_000, 'a'));
    await node.untilResidency('a', 'resident');
  });
});
