import type { BindingRecord, ManifestStatus, ReloadFailed, ReloadSucceeded } from '@corral/contracts';
import { expect, test } from '@jest/globals';
import { bindingRows, matchingRows } from '../src/manifest/binding-rows.js';
import { manifestVerdict } from '../src/manifest/manifest-verdict.js';
import { reloadRow } from '../src/manifest/reload-row.js';

function aBinding(id: string, changes: Partial<BindingRecord> = {}): BindingRecord {
  const kind = id.split(':')[0] as BindingRecord['kind'];
  return { id, kind, provider: 'manifest', handler: 'tiny', version: 1, state: 'active', fingerprint: 'f', received: 3, dispatched: 3, failed: 1, in_flight: 2, ...changes };
}

const BINDINGS = [aBinding('pool:p1', { handler: 'n1/cpu' }), aBinding('route:b', { state: 'draining' }), aBinding('model:tiny'), aBinding('route:b', { version: 2, in_flight: 0 }), aBinding('instance:default/bot'), aBinding('route:a')];

test('U-25 routes first, each with its newest version above the older ones', () => {
  const rows = bindingRows(BINDINGS);
  expect(rows.map(({ key, isNewest }) => [key, isNewest])).toEqual([
    ['route:a@1', true],
    ['route:b@2', true],
    ['route:b@1', false],
    ['instance:default/bot@1', true],
    ['model:tiny@1', true],
    ['pool:p1@1', true],
  ]);
  expect(rows[2]).toEqual({ key: 'route:b@1', id: 'route:b', kind: 'route', name: 'b', isNewest: false, version: 1, handler: 'tiny', modelId: 'tiny', tone: 'warn', state: 'draining', inFlight: 2, received: 3, failed: 1 });
});

test('U-31 an entry leads to its model while that is served', () => {
  const leads = (bindings: readonly BindingRecord[]) => Object.fromEntries(bindingRows(bindings).map(({ key, modelId }) => [key, modelId]));
  expect(leads(BINDINGS)).toEqual({ 'route:a@1': 'tiny', 'route:b@2': 'tiny', 'route:b@1': 'tiny', 'instance:default/bot@1': 'tiny', 'model:tiny@1': 'tiny', 'pool:p1@1': null });
  expect(leads([aBinding('model:tiny', { state: 'terminated' }), aBinding('route:a', { state: 'draining' })])).toEqual({ 'model:tiny@1': null, 'route:a@1': null });
});

test.each([
  ['', null, 6],
  ['ROUTE', null, 3],
  ['route: b', null, 2],
  ['bot tiny', null, 1],
  ['', 'draining', 1],
  ['pool', 'draining', 0],
] as const)('U-25 looking for "%s" in state %s', (text, state, count) => {
  expect(matchingRows(bindingRows(BINDINGS), text, state).length).toBe(count);
});

const ok: ReloadSucceeded = {
  status: 'ok',
  source: 'signal',
  at: '2026-01-01T00:00:00.000Z',
  duration_ms: 45,
  steps: [{ step: 'validate', duration_ms: 5 }, { step: 'activate', duration_ms: 40 }],
  summary: { added: ['route:a'], modified: [], removed: ['route:x', 'route:y'], unchanged: ['model:tiny'] },
  manifest_hash: 'h2',
  previous_hash: 'h1',
  notes: ['tiny: its new replica was loaded beside the old one'],
};
const failed: ReloadFailed = { status: 'error', source: 'file_watch', at: ok.at, duration_ms: 9, steps: [], error: 'the manifest is wrong', error_kind: 'validation', step: 'validate', problems: [{ line: 7, field: 'routes.a.model', message: 'no model is called tny' }, { line: null, field: '', message: 'the file is empty' }] };
const NOW_MS = Date.parse(ok.at) + 90_000;

test('U-26 a reload that was taken up', () => {
  expect(reloadRow(ok, NOW_MS)).toEqual({
    at: ok.at,
    tone: 'good',
    label: 'taken up',
    source: 'SIGHUP',
    when: '1 min ago, took 45 ms',
    counts: '+1 ~0 -2, 1 unchanged',
    changes: [
      { what: 'added', names: ['route:a'] },
      { what: 'removed', names: ['route:x', 'route:y'] },
    ],
    notes: ok.notes,
    failure: null,
    steps: 'validate 5 ms, activate 40 ms',
  });
  expect(reloadRow({ ...ok, summary: { ...ok.summary, added: [], removed: [] } }, NOW_MS)).toMatchObject({ label: 'nothing changed', changes: [] });
});

test('U-26 a reload that failed: the step, each line, and what serves', () => {
  expect(reloadRow(failed, NOW_MS)).toMatchObject({
    tone: 'bad',
    label: 'failed',
    counts: null,
    failure: {
      title: 'Failed at the step “validate”',
      lines: [
        { where: 'line 7, routes.a.model', message: 'no model is called tny' },
        { where: '', message: 'the file is empty' },
      ],
      next: 'What served before goes on serving.',
    },
  });
  expect(reloadRow({ ...failed, error_kind: 'activation', step: 'activate', problems: [] }, NOW_MS).failure).toEqual({ title: 'Failed at the step “activate”', lines: [{ where: '', message: 'the manifest is wrong' }], next: 'It was taken back: what served before goes on serving.' });
  expect(reloadRow({ ...failed, error_kind: 'rollback_failed' }, NOW_MS).failure?.next).toContain('restart orchestratord');
});

const status: ManifestStatus = { path: '/m.yaml', hash: 'h', problem: null, bindings: BINDINGS.filter(({ state }) => state === 'active'), reloads: [ok] };

test.each([
  [{}, 'good', 'The manifest is served', '5 entries served, 8 requests in flight.'],
  [{ bindings: BINDINGS }, 'busy', 'The manifest is served, old versions drain', '5 entries served, 1 old version drains, 10 requests in flight.'],
  [{ reloads: [failed, ok] }, 'warn', 'The last reload failed', '5 entries served, 8 requests in flight.'],
  [{ reloads: [ok, failed] }, 'good', 'The manifest is served', '5 entries served, 8 requests in flight.'],
  [{ path: null, bindings: [] }, 'good', 'The built-in model is served', 'no entries served, no requests in flight.'],
  [{ problem: 'line 3: no' }, 'bad', 'What is served is not what the file says', '5 entries served, 8 requests in flight.'],
] as const)('U-25 whether what is served is what the file says (%#)', (changes, tone, title, detail) => {
  expect(manifestVerdict({ ...status, ...changes } as ManifestStatus)).toMatchObject({ tone, title, detail });
});
