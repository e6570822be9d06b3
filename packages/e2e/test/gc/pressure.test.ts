import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, startHub, type Hub } from '@corral/test-kit';
import { call, tiny, type Tiny } from '../served.js';
import { canMount, ruled, startSmallDisk, type SmallDisk } from './small-disk.js';

const onSmallDisk = canMount ? describe : describe.skip;
const NAMES = ['loaded', 'warm', 'pinned', 'resting-1', 'resting-2', 'newcomer'] as const;
/** Five of the six models, and not six. */
const DISK_MIB = 16;
const MODEL_BYTES = 1_500_000;

onSmallDisk('a disk that five of six models fit on', () => {
  let hub: Hub;
  let files: readonly Tiny[];
  let disk: SmallDisk;

  beforeAll(async () => {
    hub = await startHub();
    files = await Promise.all(NAMES.map((_, seed) => tiny({ seed: seed + 1, sizeBytes: MODEL_BYTES })));
    for (const [n, name] of NAMES.entries()) hub.put(`${name}.gguf`, await readFile(files[n]?.path ?? ''));
    hub.put('huge.gguf', Buffer.alloc(DISK_MIB * 1_100_000, 'GGUF'));
    const models = Object.fromEntries([...NAMES, 'huge'].map((name) => [name, { source: `${hub.url}/${name}.gguf`, context: 256, slots: 1 }]));
    disk = await startSmallDisk({ sizeMiB: DISK_MIB, models, gc: { max_disk_usage_percent: 50, min_free_gb: 0, retention_rules: [] } });
  }, 600_000);

  afterAll(async () => {
    await disk?.stop();
    await hub?.close();
    for (const file of files ?? []) await file.remove();
  });

  const pull = (name: string) => call(disk.url, 'POST', `/v2/catalog/models/${name}/pull?wait=true`);
  const answers = async (model: string) => (await call(disk.url, 'POST', '/v1/completions', { model, prompt: 'x', max_tokens: 2 })).status;
  const idsOnDisk = async () => [...(await disk.onDisk()).ids].toSorted();

  test('T-236 D-34 D-37 what is loaded, staged and pinned stays; the rest is what a plan would take, the least recently used first', async () => {
    const made = await Promise.all([
      call(disk.url, 'POST', '/api/orgs/default/instances', { instance_id: 'l', model: 'loaded', tier: 'hot' }),
      call(disk.url, 'POST', '/api/orgs/default/instances', { instance_id: 'w', model: 'warm', tier: 'warm' }),
    ]);
    expect(made.map(({ status }) => status)).toEqual([201, 201]);
    expect((await pull('pinned')).status).toBe(200);
    expect((await call(disk.url, 'PUT', '/v2/catalog/models/pinned/pin')).status).toBe(200);
    for (const [instance, residency] of [['l', 'resident'], ['w', 'staged']] as const) {
      await eventually(`${instance} is ${residency}`, 120_000, async () => (await call(disk.url, 'GET', `/api/orgs/default/instances/${instance}`)).body['residency'] === residency);
    }
    expect((await pull('resting-1')).status).toBe(200);
    expect((await pull('resting-2')).status).toBe(200);
    expect(await idsOnDisk()).toEqual(['loaded', 'pinned', 'resting-1', 'resting-2', 'warm']);
    await eventually('the node knows the pin', 120_000, async () => (await disk.plan()).kept.some(({ id, rule }) => id === 'pinned' && rule !== 'NotNeeded'));
    const plan = await disk.plan();
    expect([plan.would_delete, plan.thresholds_met]).toEqual([[], true]);
    expect(plan.kept.filter(({ rule }) => rule === 'InUse').map(({ id }) => id).toSorted()).toEqual(expect.arrayContaining(['loaded', 'warm']));
  }, 600_000);

  test('T-237 D-33 D-66 a fetch that would break a threshold makes its own room, of what was used least recently', async () => {
    expect((await pull('newcomer')).status).toBe(200);
    expect(await idsOnDisk()).toEqual(['loaded', 'newcomer', 'pinned', 'resting-2', 'warm']);
    expect(await disk.metric(/^catalog_gc_deleted_total\{.*Pressure/)).toBe(1);
    expect([await answers('loaded'), (await disk.onDisk()).contradictions]).toEqual([200, []]);
  }, 600_000);

  test('T-237 D-68 a model that was collected is fetched again by whoever asks for it', async () => {
    expect(await answers('resting-1')).toBe(200);
    expect(await idsOnDisk()).toEqual(['loaded', 'newcomer', 'pinned', 'resting-1', 'warm']);
  }, 600_000);

  test('T-237 D-66 a fetch that can never fit is refused with the numbers and with what is kept, and nothing is deleted for it', async () => {
    const before = await idsOnDisk();
    const refused = await pull('huge');
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(refused.body)).toMatch(/no space left in .* free, .* needed; garbage collection keeps \d by /);
    expect(await idsOnDisk()).toEqual(before);
    expect([await answers('loaded'), await answers('pinned')]).toEqual([200, 200]);
    expect(ruled((await disk.plan()).would_delete)).toEqual([]);
  }, 600_000);
});
