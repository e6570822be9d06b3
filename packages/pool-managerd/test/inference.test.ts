import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLlamacppEngine } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { eventsOf, llamacppPrograms, writeTinyModel } from '@corral/test-kit';
import { anAssignment } from './an-assignment.js';
import { NodeUnderTest, workerPids } from './node-under-test.js';

/** Native code is slow to start where many share the machine. */
const PATIENT = { replicas: { probe_timeout_ms: 60_000, load_stall_ms: 60_000, batch_tokens: 64, prefill_chunk_tokens: 32 }, cpu_pool: { threads: 1, replicas: 2 } };

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'inference-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('a real engine behind a real node', () => {
  test('G-25 C-11 C-30 a model is inspected, loaded whole on the CPU, probed and asked, and leaves nothing', async () => {
    const { path } = await writeTinyModel(join(dir, 'tiny.gguf'), { chain: ['c', 'o', 'r', 'a', 'l'] });
    const engine = createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog, programs: llamacppPrograms() });
    const node = await NodeUnderTest.start({ engine, settings: PATIENT });
    const a = anAssignment('tiny', { target: { node_id: 'n1', pool_id: 'n1-cpu' } });
    await node.until(() => node.pools(), (pools) => pools.some(({ ready }) => ready), 60_000);
    await node.post({ ...a, model: { ...a.model, sources: [`file:${path}`] } });
    const status = await node.until(() => node.status('tiny'), (seen) => seen?.residency === 'resident' || seen?.last_error !== null, 60_000);
    expect(status?.last_error).toBeNull();
    const pool = await node.pool();
    expect(pool).toMatchObject({ engine: 'llamacpp', device: 'cpu', replicas: [{ state: 'resident', threads: 1, slots_total: 2 }] });
    expect(pool.memory_used_bytes).toBeGreaterThan(100_000);
    const ask = (task_id: string) => node.task({ task_id, replica_id: status?.replica_id ?? '', input: { type: 'messages', messages: [{ role: 'user', content: 'Hello' }] }, max_tokens: 8 });
    const answers = await Promise.all([ask('t1'), ask('t2')]);
    const texts = await Promise.all(answers.map(({ body }) => body.text()));
    const said = texts.map((text) => eventsOf(text).flatMap(({ event, data }) => (event === 'token' ? [(data as { t: string }).t] : [])).join(''));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect(said).toEqual(['coral', 'coral']);
    await node.post({ ...a, model: { ...a.model, sources: [`file:${path}`] }, wanted: 'absent', generation: 2 });
    await node.until(() => node.pool(), ({ replicas }) => replicas.length === 0);
    expect(workerPids()).toEqual([]);
  }, 600_000);
});
