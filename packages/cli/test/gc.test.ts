import { afterEach, describe, expect, test } from '@jest/globals';
import type { GcPlan, GcReport } from '@corral/contracts';
import { json, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});
const serving = async (handlers: Readonly<Record<string, Handler>>) => (server = await startFakeServer(handlers));

const disk = { path: '/models', used_percent: 91.5, free_gb: 4.2, total_bytes: 50_000_000_000, free_bytes: 4_200_000_000 };
const after = { ...disk, used_percent: 89.1, free_gb: 5.4 };
const thresholds = { max_disk_usage_percent: 90, min_free_gb: 5 };
const gone = [{ id: 'old', kind: 'model', rule: 'DeleteRetired', bytes: 1_073_741_824 }, { id: 'b4567', kind: 'engine', rule: 'Pressure', bytes: 104_857_600 }] as const;
const kept = [{ id: 'm', kind: 'model', rule: 'InUse', reason: 'loaded' }] as const;
const plan = { would_delete: [...gone], kept: [...kept], disk, thresholds, thresholds_met: false, thresholds_met_after: true, disk_after: after } satisfies GcPlan;
const report = { trigger: 'operator', started_at: '2026-01-01T00:00:00.000Z', duration_ms: 3, deleted: [gone[0]], failed: [], kept: [...kept], freed_bytes: 1_073_741_824, disk, disk_after: after, thresholds, thresholds_met_after: false } satisfies GcReport;
const operation = (result: unknown) => ({ operation_id: 'op-1', kind: 'catalog_gc', subject: {}, state: 'succeeded', phase: 'collecting', progress: 1, detail: null, result, error: null, created_at: '2026-01-01T00:00:00.000Z', ended_at: '2026-01-01T00:00:01.000Z' });
const PLAN = 'POST /v2/catalog/gc?dry_run=true';
const PASS = 'POST /v2/catalog/gc?wait=true';

describe('corral gc', () => {
  test('D-38 a dry run shows what would go by which rule, and the disk of each node before and after', async () => {
    const { url, seen } = await serving({ [PLAN]: json({ nodes: { n1: plan } }) });
    expect(await runCorral(['gc', '--dry-run', '--url', url])).toEqual({
      code: 0,
      out: [
        'NODE  WHAT    ID     RULE           BYTES    OUTCOME',
        'n1    model   old    DeleteRetired  1.0 GiB  would go',
        'n1    engine  b4567  Pressure       100 MiB  would go',
        '',
        'n1: 2 would go, 1 kept (1 InUse); disk 91.5 % used, 4.2 GB free → 89.1 %, 5.4 GB (limits 90 % used, 5 GB free: met)',
        '',
      ].join('\n'),
      err: '',
    });
    expect(seen.map(({ call }) => call)).toEqual([PLAN]);
  });

  test('D-33 a pass asks nothing, shows what went, and says where the limits are not met', async () => {
    const { url } = await serving({ [PASS]: json(operation({ nodes: { n1: report } })) });
    const { code, out } = await runCorral(['gc', '--url', url]);
    expect([code, out]).toEqual([0, expect.stringMatching(/n1 +model +old +DeleteRetired +1\.0 GiB +deleted\n[^]*NOT met: nothing more may be deleted/)]);
  });

  test('D-33 a node without an answer and a file that stayed are told, and the command has failed', async () => {
    const failed = { ...report, deleted: [], failed: [{ ...gone[0], error: 'EPERM' }] };
    const { url } = await serving({ [PASS]: json(operation({ nodes: { n2: { error: { code: 'NODE_UNAVAILABLE', message: 'node n2 does not report' } }, n1: failed } })) });
    const { code, out } = await runCorral(['gc', '--url', url]);
    expect([code, out]).toEqual([1, expect.stringMatching(/not deleted: EPERM[^]*n1: nothing to delete[^]*n2: node n2 does not report/)]);
  });

  test('D-38 --json prints the document', async () => {
    const { url } = await serving({ [PLAN]: json({ nodes: { n1: plan } }), [PASS]: json(operation({ nodes: { n1: report } })) });
    expect(JSON.parse((await runCorral(['gc', '--dry-run', '--json', '--url', url])).out)).toEqual({ nodes: { n1: plan } });
    expect(JSON.parse((await runCorral(['gc', '--json', '--url', url])).out)).toEqual({ nodes: { n1: report } });
  });

  test('D-33 without a node there is nothing to collect', async () => {
    const { url } = await serving({ [PLAN]: json({ nodes: {} }) });
    expect((await runCorral(['gc', '--dry-run', '--url', url])).out).toContain('no node has registered yet');
  });
});
