import type { GcPlan, GcReport, PoolForecast } from '@corral/contracts';
import { aCatalogModel, aModelOnNode } from '@corral/test-kit';
import { describe, expect, test } from '@jest/globals';
import { refusal } from '../src/api/api-failure.js';
import { forecastRow } from '../src/catalog/forecast-row.js';
import { gcPlanView, gcReportView } from '../src/catalog/gc-view.js';
import { modelPlaces } from '../src/catalog/model-place.js';
import { modelRow } from '../src/catalog/model-row.js';
import { queryOf, searchOf } from '../src/catalog/model-search.js';
import { fieldOf, NO_REGISTRATION, registrationOf } from '../src/catalog/registration.js';
import { verificationView } from '../src/catalog/verification-view.js';
import { deadlineOf } from '../src/shell/deadline.js';

const HOUR_MS = 3_600_000;

describe('U-20 a line of the catalog', () => {
  test('U-20 a model with everything', () => {
    expect(modelRow(aCatalogModel({ pinned: true, tags: ['chat'] }), 2 * HOUR_MS)).toEqual({
      id: 'tiny',
      state: { tone: 'good', label: 'Active', note: null },
      isPinned: true,
      origin: 'from the manifest',
      tags: ['chat'],
      file: '1.0 MiB, F16',
      digest: { short: 'sha256:aaaaaaaaaaaa…', full: `sha256:${'a'.repeat(64)}`, isGiven: true },
      used: null,
      verification: { tone: 'good', label: 'passed', when: '2 h ago', atMs: 0, reason: null },
      places: [{ nodeId: 'n1', tone: 'idle', label: 'on disk' }],
      morePlaces: 0,
    });
  });

  test('U-20 a digest that nobody gave is the one of the file, and the last use is that of any node', () => {
    const availability = [aModelOnNode({ last_used_ms: 0 }), aModelOnNode({ node_id: 'n2', last_used_ms: HOUR_MS }), aModelOnNode({ node_id: 'n3' })];
    expect(modelRow(aCatalogModel({ digest: null, availability }), 2 * HOUR_MS)).toMatchObject({ digest: { full: `sha256:${'a'.repeat(64)}`, isGiven: false }, used: 'used 1 h ago' });
  });

  test('U-20 a model that no node has', () => {
    const model = aCatalogModel({ origin: 'api', digest: null, size_bytes: null, quant: null, verification: null, last_verified_ms: null, availability: [aModelOnNode({ present: false })] });
    expect(modelRow(model, 0)).toMatchObject({ origin: 'registered', file: null, digest: null, verification: { tone: 'idle', label: 'not verified', when: null }, places: [], morePlaces: 0 });
  });

  test.each([
    [{ retired_at_ms: 0 }, '2 h ago'],
    [{ retired_at_ms: 0, drain_until_ms: 2 * HOUR_MS + 30_000 }, 'what still runs is cut in 30 s'],
    [{ retired_at_ms: 0, drain_until_ms: HOUR_MS }, '2 h ago'],
  ])('U-22 a retired model and what may still run (%#)', (changes, note) => {
    expect(modelRow(aCatalogModel({ state: 'Retired', ...changes }), 2 * HOUR_MS).state).toEqual({ tone: 'idle', label: 'Retired', note });
  });

  test.each([
    [{ resident: 1, staged: true }, 'good', 'loaded'],
    [{ resident: 2 }, 'good', 'loaded 2 times'],
    [{ staged: true }, 'good', 'staged in RAM'],
    [{ wanted: 1 }, 'idle', 'on disk'],
    [{ present: false, wanted: 1 }, 'busy', 'on its way'],
    [{ online: false }, 'warn', 'on disk, node offline'],
  ] as const)('U-20 where it is, the fastest place first (%#)', (changes, tone, label) => {
    expect(modelPlaces(aCatalogModel({ availability: [aModelOnNode(changes)] }))).toEqual({ shown: [{ nodeId: 'n1', tone, label }], more: 0 });
  });

  test('U-20 three nodes are named, the others counted', () => {
    const availability = ['a', 'b', 'c', 'd', 'e'].map((node_id) => aModelOnNode({ node_id }));
    const { shown, more } = modelPlaces(aCatalogModel({ availability: [aModelOnNode({ node_id: 'none', present: false }), ...availability] }));
    expect([shown.map(({ nodeId }) => nodeId), more]).toEqual([['a', 'b', 'c'], 2]);
  });

  test.each([
    ['pass', 'good', 'passed', null],
    ['warn', 'warn', 'unconfirmed', 'why'],
    ['fail', 'bad', 'failed', 'why'],
  ] as const)('U-21 a verification that said %s', (result, tone, label, reason) => {
    expect(verificationView({ result, reason: 'why' }, 0, 5_000)).toEqual({ tone, label, when: '5 s ago', atMs: 0, reason });
  });
});

describe('U-21 the forecast of a pool', () => {
  const forecast: PoolForecast = { pool_id: 'p1', node_id: 'n1', device_kind: 'cpu', fits: true, weights_bytes: 1_048_576, kv_bytes_per_token: 2_048.4, required_bytes: 2_097_152, memory_bytes: 8_388_608, largest_context: 8_192, reason: 'by the facts of its file' };

  test('U-21 a model that fits', () => {
    expect(forecastRow(forecast)).toEqual({ poolId: 'p1', nodeId: 'n1', tone: 'good', label: 'fits', memory: { text: '2.0 MiB of 8.0 MiB', fraction: 0.25 }, weights: '1.0 MiB', perToken: '2.0 KiB', largestContext: '8,192 tokens', reason: 'by the facts of its file' });
  });

  test('U-21 one that does not, and one that nobody knows', () => {
    expect(forecastRow({ ...forecast, fits: false, required_bytes: 16_777_216, largest_context: 0 })).toMatchObject({ tone: 'bad', label: 'does not fit', memory: { text: '16.0 MiB of 8.0 MiB', fraction: 1 }, largestContext: 'none' });
    expect(forecastRow({ ...forecast, fits: null, weights_bytes: null, kv_bytes_per_token: null, required_bytes: null, largest_context: null })).toMatchObject({ tone: 'idle', label: 'not known yet', memory: null, weights: '–', perToken: '–', largestContext: '–' });
  });
});

describe('U-28 garbage collection in words', () => {
  const disk = { path: '/models', used_percent: 95.04, free_gb: 1, total_bytes: 20_000_000_000, free_bytes: 1_073_741_824 };
  const limits = { max_disk_usage_percent: 90, min_free_gb: 5 };
  const retired = { id: 'old', kind: 'model', rule: 'DeleteRetired', bytes: 1_048_576 } as const;
  const plan: GcPlan = {
    would_delete: [retired, { id: 'cuda', kind: 'engine', rule: 'Pressure', bytes: 2_097_152 }],
    kept: [{ id: 'tiny', kind: 'model', rule: 'InUse', reason: 'one replica has it loaded' }],
    disk,
    thresholds: limits,
    thresholds_met: false,
    thresholds_met_after: true,
    disk_after: { ...disk, used_percent: 50 },
  };

  test('U-28 what would go, by which rule, what stays, and the disk', () => {
    expect(gcPlanView({ nodes: { n1: plan } })).toEqual({
      count: 2,
      bytes: 3_145_728,
      nodes: [
        {
          nodeId: 'n1',
          tone: 'busy',
          title: 'would delete 2 entries, 3.0 MiB',
          disk: { path: '/models', before: { text: '95.0 % used, 1.0 GiB free', fraction: 0.9504 }, after: { text: '50.0 % used, 1.0 GiB free', fraction: 0.5 }, thresholds: '90 % used at most, 5 GB free at least' },
          gone: [
            { key: 'model old', id: 'old', isModel: true, rule: 'retired for long enough', bytes: '1.0 MiB', problem: null },
            { key: 'engine cuda', id: 'engine cuda', isModel: false, rule: 'the disk is too full, and it was used least recently', bytes: '2.0 MiB', problem: null },
          ],
          kept: [{ key: 'model tiny', id: 'tiny', isModel: true, rule: 'one replica has it loaded', bytes: null, problem: null }],
          problem: null,
        },
      ],
    });
  });

  test('U-28 limits that cannot be met, and a node without an answer, are said', () => {
    const { nodes, count } = gcPlanView({ nodes: { n2: { error: { code: 'NODE_UNAVAILABLE', message: 'n2 is away' } }, n1: { ...plan, would_delete: [], thresholds_met_after: false } } });
    expect([count, nodes.map(({ nodeId, tone, title }) => [nodeId, tone, title]), nodes[0]?.problem, nodes[1]?.problem]).toEqual([
      0,
      [
        ['n1', 'bad', 'nothing to delete'],
        ['n2', 'bad', 'no answer'],
      ],
      expect.stringContaining('beyond its limits'),
      'n2 is away',
    ]);
  });

  test('U-28 what was done, and what could not be', () => {
    const report: GcReport = { trigger: 'operator', started_at: '2026-01-01T00:00:00Z', duration_ms: 1_500, deleted: [retired], failed: [{ ...retired, id: 'stuck', error: 'the file is read-only' }], kept: [], freed_bytes: 1_048_576, disk, disk_after: disk, thresholds: limits, thresholds_met_after: true };
    expect(gcReportView({ nodes: { n1: report } })).toMatchObject({
      count: 1,
      bytes: 1_048_576,
      nodes: [{ tone: 'bad', title: 'deleted 1 entry, 1.0 MiB, in 1.5 s', gone: [{ id: 'stuck', problem: 'the file is read-only' }, { id: 'old', problem: null }] }],
    });
    expect(gcReportView({ nodes: { n1: { ...report, deleted: [], failed: [], freed_bytes: 0 } } }).nodes[0]).toMatchObject({ tone: 'good', title: 'deleted nothing, in 1.5 s' });
  });
});

describe('U-27 the form that registers', () => {
  test('U-27 empty fields are left out, a bare digest is a sha256', () => {
    expect(registrationOf({ ...NO_REGISTRATION, id: ' tiny ' })).toEqual({ id: 'tiny' });
    expect(registrationOf({ id: 'tiny', sources: ' file:/a \n\nhf:b/c/d.gguf\n', digest: 'abc', tags: 'chat, small  chat' })).toEqual({ id: 'tiny', sources: ['file:/a', 'hf:b/c/d.gguf'], digest: 'sha256:abc', tags: ['chat', 'small'] });
    expect(registrationOf({ ...NO_REGISTRATION, id: 'x', digest: 'md5:1' }).digest).toBe('md5:1');
  });

  test.each([
    ['id', 'id'],
    ['sources.1', 'sources'],
    ['source_url', 'sources'],
    ['digest', 'digest'],
    ['tags.0', 'tags'],
    ['trust_policy', null],
    [undefined, null],
  ])('U-27 a refusal of %s stands at the field %s', (field, at) => {
    expect(fieldOf(refusal(400, { code: 'INVALID_PARAMS', message: 'no', retriable: false, ...(field === undefined ? {} : { field }) }, null))).toBe(at);
  });
});

test.each([
  ['', null],
  [' 0 ', 0],
  ['90', 90_000],
  ['86400', 86_400_000],
  ['86401', undefined],
  ['1.5', undefined],
  ['soon', undefined],
])('U-22 a deadline typed as "%s"', (text, deadline) => {
  expect(deadlineOf(text)).toBe(deadline);
});

test.each([
  [{ text: '', state: null }, ''],
  [{ text: 'a b/c', state: 'Retired' }, '?q=a+b%2Fc&state=Retired'],
] as const)('U-20 the address keeps what is looked for (%#)', (search, query) => {
  expect([queryOf(search), searchOf(query)]).toEqual([query, search]);
  expect(searchOf('?state=Draft').state).toBeNull();
});
