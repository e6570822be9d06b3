import { describe, expect, test } from '@jest/globals';
import { GcPlan, GcReport, validator } from '@corral/contracts';
import { startHub } from '@corral/test-kit';
import { NodeUnderTest } from './node-under-test.js';

const planOf = validator(GcPlan);
const reportOf = validator(GcReport);
const tight = (rules: readonly unknown[]) => ({ settings: { gc: { max_disk_usage_percent: 0, interval_s: 0, retention_rules: rules } } });

async function planned(node: NodeUnderTest): Promise<GcPlan> {
  const checked = planOf(await node.client.json('GET', '/v2/gc/plan'));
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.value;
}

async function collected(node: NodeUnderTest): Promise<GcReport> {
  const checked = reportOf(await node.client.json('POST', '/v2/gc', {}));
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.value;
}

const ids = (list: readonly { readonly id: string; readonly rule: string }[]) => list.map(({ id, rule }) => `${id} ${rule}`);

describe('D-33 a node collects what its rules let go', () => {
  test('D-38 T-74 D-67 what is loaded stays, what rests on disk goes by rule, and a dry run changes nothing', async () => {
    const hub = await startHub();
    try {
      const node = await NodeUnderTest.start(tight([]));
      const resting = await node.aModel('resting');
      const loaded = await node.aModel('loaded');
      for (const assignment of [resting, loaded]) {
        const file = `${assignment.instance_id}.gguf`;
        hub.put(file, Buffer.alloc(1_000_000, file));
        assignment.model.sources = [`${hub.url}/${file}`];
      }
      await node.load(resting);
      await node.load(loaded);
      expect(ids((await planned(node)).kept)).toEqual(['resting InUse', 'loaded InUse']);
      await node.post({ ...resting, wanted: 'on_disk', generation: 2 });
      await node.until(() => planned(node), (plan) => plan.would_delete.length === 1);
      const plan = await planned(node);
      expect(plan.would_delete).toEqual([{ id: 'resting', kind: 'model', rule: 'Pressure', bytes: 1_000_000 }]);
      expect([plan.thresholds_met, plan.thresholds_met_after]).toEqual([false, false]);
      expect(await node.client.json('POST', '/v2/gc', { dry_run: true })).toMatchObject({ would_delete: plan.would_delete });
      expect(await node.status('resting')).toMatchObject({ residency: 'on_disk' });

      const report = await collected(node);
      expect([ids(report.deleted), ids(report.kept), report.freed_bytes, report.thresholds_met_after]).toEqual([['resting Pressure'], ['loaded InUse'], 1_000_000, false]);
      expect(await node.status('resting')).toMatchObject({ residency: 'absent', released: true, last_error: null });
      await node.until(
        () => node.controlPlane.events.map((event) => event.type),
        (types) => types.includes('catalog.model_deleted'),
      );
      const metrics = await node.client.pool.request({ method: 'GET', path: '/metrics' }).then(({ body }) => body.text());
      for (const line of ['catalog_gc_runs_total{outcome="succeeded"} 1', 'catalog_gc_deleted_total{rule="Pressure"} 1', 'catalog_gc_freed_bytes_total{rule="Pressure"} 1000000', 'catalog_gc_pressure_unresolved 1']) expect(metrics).toContain(line);
      expect(node.log.filter(({ message }) => message === 'disk too full: nothing more may be deleted')).toHaveLength(1);

      // D-68: whoever asks anew has it fetched again.
      await node.load({ ...resting, generation: 3 });
      expect(await node.status('resting')).toMatchObject({ residency: 'resident' });
    } finally {
      await hub.close();
    }
  });

  test('D-33 whoever asks while a pass runs gets its outcome', async () => {
    const node = await NodeUnderTest.start(tight([]));
    // Some of so many come while the pass of another runs, however short it is.
    const reports = await Promise.all(Array.from({ length: 30 }, () => collected(node)));
    expect(new Set(reports.map((report) => `${report.started_at} ${report.duration_ms}`)).size).toBeLessThan(30);
  });

  test('D-30 a body that is none of its fields is refused with the field', async () => {
    const node = await NodeUnderTest.start(tight([]));
    await expect(node.client.json('POST', '/v2/gc', { dryrun: true })).rejects.toMatchObject({ code: 'INVALID_PARAMS', message: expect.stringContaining('dryrun') });
  });
});
