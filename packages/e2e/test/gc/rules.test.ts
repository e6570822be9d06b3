import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { eventually, startHub } from '@corral/test-kit';
import { call, tiny } from '../served.js';
import { residentPid, startSystem } from '../faults/served-system.js';
import { canMount, ruled, startSmallDisk, type SmallDisk, type SmallDiskOptions } from './small-disk.js';

const onSmallDisk = canMount ? test : test.skip;
const MB = 1_000_000;
/** Without the engine bundles of this program. */
const models = <T extends { readonly kind: string }>(list: readonly T[]): readonly T[] => list.filter(({ kind }) => kind === 'model');

async function withDisk(options: SmallDiskOptions, work: (disk: SmallDisk) => Promise<void>): Promise<void> {
  const disk = await startSmallDisk(options);
  try {
    await work(disk);
  } finally {
    await disk.stop();
  }
}

describe('garbage collection by rule', () => {
  onSmallDisk('T-69 T-73 D-31 D-38 what is retired long enough goes, others stay; a dry run says so first and changes nothing', async () => {
    const fill = [{ id: 'old', bytes: MB, retiredDaysAgo: 1 }, { id: 'alias', bytes: MB, sameAs: 'active' }, { id: 'active', bytes: MB }, { id: 'kept', bytes: MB, retiredDaysAgo: 1, pinned: true }];
    await withDisk({ sizeMiB: 16, gc: { min_free_gb: 0, retention_rules: [{ DeleteRetired: { after_days: 0 } }] }, fill }, async (disk) => {
      const plan = await disk.plan();
      expect(plan.would_delete).toEqual([{ id: 'old', kind: 'model', rule: 'DeleteRetired', bytes: MB }]);
      expect([ruled(models(plan.kept)).toSorted(), plan.thresholds, plan.thresholds_met_after]).toEqual([['active NotNeeded', 'alias NotNeeded', 'kept KeepPinned'], { max_disk_usage_percent: 90, min_free_gb: 0 }, true]);
      expect(plan.disk).toMatchObject({ total_bytes: 16 * 1_048_576, used_percent: expect.any(Number) });
      expect((await disk.onDisk()).ids.toSorted()).toEqual(['active', 'alias', 'kept', 'old']);

      const report = await disk.collect();
      expect([ruled(report.deleted), report.failed, report.freed_bytes]).toEqual([['old DeleteRetired'], [], MB]);
      expect(report.disk_after.free_bytes - report.disk.free_bytes).toBeGreaterThanOrEqual(MB);
      const left = await disk.onDisk();
      expect({ ...left, ids: left.ids.toSorted() }).toEqual({ ids: ['active', 'alias', 'kept'], marked: [], contradictions: [] });
      await eventually('the control plane has heard of it', 120_000, async () => (await call(disk.url, 'GET', '/v2/catalog/models/old')).status === 404);
      expect(await disk.metric(/^catalog_gc_freed_bytes_total\{.*DeleteRetired/)).toBe(MB);
    });
  }, 600_000);

  onSmallDisk('T-70 D-67 over the threshold with active models that a rule keeps, nothing goes and the pressure is told', async () => {
    const fill = ['a', 'b', 'c'].map((id) => ({ id, bytes: 2 * MB }));
    await withDisk({ sizeMiB: 8, gc: { max_disk_usage_percent: 50, min_free_gb: 0, retention_rules: ['KeepActive'] }, fill }, async (disk) => {
      const report = await disk.collect();
      expect([report.deleted, ruled(models(report.kept)).toSorted(), report.thresholds_met_after]).toEqual([[], ['a KeepActive', 'b KeepActive', 'c KeepActive'], false]);
      expect([await disk.metric(/^catalog_gc_pressure_unresolved/), (await disk.metric(/^catalog_disk_used_percent/)) ?? 0]).toEqual([1, expect.any(Number)]);
      expect((await disk.onDisk()).ids).toEqual(['a', 'b', 'c']);
      await eventually('the log warns', 120_000, async () => (await disk.system.corral.logs('pool-managerd')).some(({ level, msg }) => level === 'warn' && msg === 'disk too full: nothing more may be deleted'));
    });
  }, 600_000);

  onSmallDisk('T-72 D-31 D-34 under pressure what was used within the days stays, and the least recently used goes first', async () => {
    const fill = [{ id: 'new', bytes: MB, daysOld: 1 }, { id: 'used', bytes: MB, usedDaysAgo: 1 }, { id: 'oldest', bytes: MB, daysOld: 60 }, { id: 'older', bytes: MB, usedDaysAgo: 30 }];
    await withDisk({ sizeMiB: 8, gc: { max_disk_usage_percent: 40, min_free_gb: 0, retention_rules: [{ KeepRecentlyUsed: { days: 7 } }] }, fill }, async (disk) => {
      const report = await disk.collect();
      expect([ruled(report.deleted), report.thresholds_met_after]).toEqual([['oldest Pressure'], true]);
      expect((await disk.onDisk()).ids).toEqual(['new', 'older', 'used']);
    });
  }, 600_000);

  onSmallDisk('T-71 T-69 D-37 G-30 a model that was retired stays while it is pinned; unpinned it goes, and a new task for it is refused', async () => {
    const hub = await startHub();
    const model = await tiny();
    hub.put('dear.gguf', await readFile(model.path));
    try {
      await withDisk({ sizeMiB: 16, gc: { min_free_gb: 0, retention_rules: [{ DeleteRetired: { after_days: 0 } }] } }, async (disk) => {
        const one = '/v2/catalog/models/dear';
        const ask = () => call(disk.url, 'POST', '/v1/completions', { model: 'dear', prompt: 'x', max_tokens: 1 });
        expect((await call(disk.url, 'POST', '/v2/catalog/models', { id: 'dear', source_url: `${hub.url}/dear.gguf` })).status).toBe(201);
        expect((await call(disk.url, 'POST', `${one}/pull?wait=true`)).status).toBe(200);
        expect((await call(disk.url, 'PUT', `${one}/pin`)).status).toBe(200);
        expect((await call(disk.url, 'PATCH', `${one}/state`, { state: 'Retired' })).status).toBeLessThan(300);
        await eventually('the node knows both', 120_000, async () => ruled(models((await disk.plan()).kept))[0] === 'dear KeepPinned');
        expect((await disk.collect()).deleted).toEqual([]);
        expect((await call(disk.url, 'DELETE', `${one}/pin`)).status).toBe(204);
        await eventually('the node knows that it is not pinned', 120_000, async () => (await disk.plan()).would_delete.length === 1);
        expect(ruled((await disk.collect()).deleted)).toEqual(['dear DeleteRetired']);
        expect(await disk.onDisk()).toEqual({ ids: [], marked: [], contradictions: [] });
        // What was meant for it stays: retired, and nowhere.
        expect((await call(disk.url, 'GET', one)).body).toMatchObject({ state: 'Retired' });
        expect((await ask()).status).toBeGreaterThanOrEqual(400);
      });
    } finally {
      await hub.close();
      await model.remove();
    }
  }, 600_000);

  onSmallDisk('T-69 D-35 a disk without a byte left is freed all the same', async () => {
    const fill = [{ id: 'old', bytes: MB, retiredDaysAgo: 1 }, { id: 'older', bytes: MB, retiredDaysAgo: 2 }, { id: 'active', bytes: MB }];
    await withDisk({ sizeMiB: 8, gc: { min_free_gb: 0, retention_rules: ['KeepActive', { DeleteRetired: { after_days: 0 } }] }, fill }, async (disk) => {
      await disk.fillUp();
      expect((await disk.plan()).disk.free_bytes).toBe(0);
      const report = await disk.collect();
      expect([ruled(report.deleted).toSorted(), report.failed]).toEqual([['old DeleteRetired', 'older DeleteRetired'], []]);
      expect(await disk.onDisk()).toEqual({ ids: ['active'], marked: [], contradictions: [] });
    });
  }, 600_000);

  onSmallDisk('D-68 G-30 what rests on disk and was collected stays away until somebody asks for it, and then comes back', async () => {
    const hub = await startHub();
    const model = await tiny();
    hub.put('m.gguf', await readFile(model.path));
    try {
      const gc = { max_disk_usage_percent: 0, min_free_gb: 0, interval_s: 1, retention_rules: [] };
      const served = { m: { source: `${hub.url}/m.gguf`, context: 256, slots: 1 } };
      await withDisk({ sizeMiB: 16, gc, models: served, env: { POOL_MANAGERD_STAGE_MAX_BYTES: '0' } }, async (disk) => {
        const made = await call(disk.url, 'POST', '/api/orgs/default/instances', { instance_id: 'i', model: 'm', tier: 'demand', ttl_s: 1 });
        expect(made.status).toBe(201);
        const ask = () => call(disk.url, 'POST', '/v1/completions', { model: 'i', prompt: 'x', max_tokens: 2 });
        expect((await ask()).status).toBe(200);
        await eventually('it was collected', 120_000, async () => (await disk.onDisk()).ids.length === 0);
        await eventually('it is shown as absent', 120_000, async () => (await call(disk.url, 'GET', '/api/orgs/default/instances/i')).body['residency'] === 'absent');
        const asked = hub.requests.length;
        await eventually('several passes more', 120_000, async () => ((await disk.metric(/^catalog_gc_runs_total.*succeeded/)) ?? 0) >= 5);
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        expect([hub.requests.length, (await disk.onDisk()).ids]).toEqual([asked, []]);
        expect((await ask()).status).toBe(200);
      });
    } finally {
      await hub.close();
      await model.remove();
    }
  }, 600_000);

  test('T-74 D-34 a model that is loaded is not deleted, whatever the rules say and however full the disk is', async () => {
    const model = await tiny();
    const system = await startSystem({ models: { m: model.model }, poolManagerd: { gc: { max_disk_usage_percent: 0, interval_s: 1, retention_rules: [{ DeleteRetired: { after_days: 0 } }] } } });
    try {
      const ask = () => call(system.corral.url, 'POST', '/v1/completions', { model: 'm', prompt: 'x', max_tokens: 2 });
      expect((await ask()).status).toBe(200);
      await residentPid(system.corral, 'm');
      const { body } = await call(system.corral.url, 'POST', '/v2/catalog/gc?dry_run=true');
      const [plan] = Object.values(body['nodes'] as Record<string, { kept: readonly { kind: string }[]; would_delete: readonly object[] }>);
      expect([plan?.would_delete, models(plan?.kept ?? [])]).toEqual([[], [expect.objectContaining({ id: 'm', rule: 'InUse', reason: expect.stringContaining('loaded') })]]);
      expect((await ask()).status).toBe(200);
    } finally {
      await system.stop();
      await model.remove();
    }
  }, 600_000);
});
