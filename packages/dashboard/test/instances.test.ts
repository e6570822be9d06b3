import type { AdminHealth } from '@corral/contracts';
import { expect, test } from '@jest/globals';
import { INSTANCE_STATES, matchingInstances } from '../src/instances/matching-instances.js';
import { eventLines } from '../src/instances/event-lines.js';
import { instanceRows } from '../src/instances/instance-row.js';
import { statCards } from '../src/stats/stat-cards.js';
import { stagingView } from '../src/staging/staging-view.js';
import { anInstance } from '@corral/test-kit';

const only = (changes: Parameters<typeof anInstance>[0]) => instanceRows([anInstance(changes)], [], 'default')[0];

test('U-09 instances of the own organisation in full, those of others to look at, in order', () => {
  const own = [anInstance({ instance_id: 'b' }), anInstance({ instance_id: 'a' }), anInstance({ instance_id: 'gone', status: 'deleted' })];
  const all = [
    { org_id: 'default', instance_id: 'just-deleted', residency: 'on_disk' as const, ready: false, last_error: null },
    { org_id: 'acme', instance_id: 'bot', residency: 'failed' as const, ready: false, last_error: 'wrong digest' },
  ];
  const rows = instanceRows(own, all, 'default');
  expect(rows.map(({ orgId, instanceId, actions }) => [orgId, instanceId, actions])).toEqual([
    ['acme', 'bot', null],
    ['default', 'a', { load: true, unload: false }],
    ['default', 'b', { load: true, unload: false }],
  ]);
  expect(rows[0]).toMatchObject({ residency: { tone: 'bad', label: 'failed' }, lastError: 'wrong digest' });
});

test.each([
  [{ residency: 'absent' }, true, false],
  [{ residency: 'staged' }, true, true],
  [{ residency: 'staged', tier: 'warm' }, true, true],
  [{ residency: 'staged', tier: 'warm', held_tier: 'warm' }, false, true],
  [{ residency: 'loading', held_tier: 'cold' }, false, true],
  [{ residency: 'resident' }, false, true],
  [{ residency: 'failed' }, true, false],
  [{ residency: 'failed', held_tier: 'hot' }, true, true],
  [{ residency: 'on_disk', status: 'suspended' }, false, false],
] as const)('U-09 buttons do something or are off (%#)', (changes, load, unload) => {
  expect(only(changes)?.actions).toEqual({ load, unload });
});

test('U-09 how far a load is and how long it takes', () => {
  const progress = { phase: 'downloading' as const, bytes_done: 50 * 1_048_576, bytes_total: 100 * 1_048_576, fraction: 0.5 };
  expect(only({ residency: 'loading', progress, estimated_ms: 12_500, node_id: 'n1', pool_id: 'p1' })).toMatchObject({
    residency: { tone: 'busy', label: 'loading', note: 'downloading, 50.0 MiB of 100 MiB, about 12 s left', fraction: 0.5 },
    place: { nodeId: 'n1', poolId: 'p1' },
  });
  expect(only({ residency: 'resident', progress })?.residency).toEqual({ tone: 'good', label: 'loaded', note: null, fraction: null });
});

test('U-09 what failed does not look at rest', () => {
  expect([only({ last_error: 'no such file' })?.residency, only({})?.residency].map((seen) => seen?.tone)).toEqual(['bad', 'idle']);
});

test.each([
  [{ kind: 'implicit' }, 'kept by the server'],
  [{ held_tier: 'warm', tier: 'hot' }, 'held as warm'],
  [{ held_tier: 'hot', tier: 'hot' }, null],
  [{ status: 'suspended' }, 'suspended'],
] as const)('U-09 what is special about its tier (%#)', (changes, note) => {
  expect(only(changes)?.tierNote).toBe(note);
});

test('B-120 a card for each number, and dashes until they are known', () => {
  const stats = { total_instances: 1_234, hot_tier_count: 2, warm_tier_count: 1, cold_tier_count: 1, demand_tier_count: 0, shared_model_count: 3, shared_bundle_count: 1, memory_estimate_mb: 20_480 };
  expect(Object.fromEntries(statCards(stats).map(({ id, value }) => [id, value]))).toEqual({
    total_instances: '1,234',
    hot_tier_count: '2',
    warm_tier_count: '1',
    cold_tier_count: '1',
    demand_tier_count: '0',
    shared_model_count: '3',
    shared_bundle_count: '1',
    memory_estimate_mb: '20.0 GiB',
  });
  expect(new Set(statCards(null).map(({ value }) => value))).toEqual(new Set(['–']));
});

test('U-11 a staging area: how full, what is in it, what keeps it there, what failed', () => {
  const entry = { digest: `sha256:${'a'.repeat(64)}`, model_id: 'a', size_bytes: 1_048_576, pinned: false, leases: 0 };
  const view = stagingView({
    used_bytes: 2_097_152,
    max_bytes: 8_388_608,
    best_effort: true,
    entries: [{ ...entry, state: 'staging', progress: 0.4 }, { ...entry, digest: `sha256:${'b'.repeat(64)}`, model_id: 'b', state: 'staged', progress: null, pinned: true, leases: 2 }],
    failures: [{ model_id: 'c', digest: `sha256:${'c'.repeat(64)}`, message: 'larger than the area' }],
  });
  expect(view).toMatchObject({ usedText: '2.0 MiB of 8.0 MiB', usedFraction: 0.25, note: expect.stringContaining('POOL_MANAGERD_STAGE_DIR'), failures: ['c: larger than the area'] });
  expect(view.entries.map(({ model, state, fraction, marks }) => [model, state, fraction, marks])).toEqual([
    ['a', 'copying 40 %', 0.4, []],
    ['b', 'staged', null, ['pinned', 'in use by 2 loads or replicas']],
  ]);
});

test('U-19 what happened, why, and how long each step took', () => {
  const at = '2026-11-21T17:00:00.000Z';
  const atMs = Date.parse(at);
  const once = { atMs, times: 1, firstMs: atMs };
  expect(eventLines([{ at, type: 'loaded', reason: 'asked for', duration_ms: 2_345, steps: [{ step: 'verifying', duration_ms: 45 }, { step: 'loading', duration_ms: 2_300 }] }])).toEqual([
    { ...once, type: 'loaded', what: 'loaded', tone: 'good', why: 'asked for', took: '2.3 s: checking the digest 45 ms, loading into the device 2.3 s' },
  ]);
  expect(eventLines([{ at, type: 'load_requested', reason: null, duration_ms: null, steps: [] }])).toEqual([{ ...once, type: 'load_requested', what: 'load requested', tone: 'busy', why: null, took: null }]);
  expect(eventLines([{ at, type: 'load_failed', reason: 'no', duration_ms: 245_000, steps: [] }])[0]?.took).toBe('4 min 5 s');
  expect(eventLines([{ at, type: 'load_failed', reason: 'no', duration_ms: 3, steps: [{ step: 'locating', duration_ms: 3 }] }])[0]?.took).toBe('looking for the file 3 ms');
});

test('U-19 what is repeated for the same reason is one line, with how often and since when', () => {
  const failed = (minute: number, reason: string, durationMs = 5) => ({ at: `2026-11-21T17:0${minute}:00.000Z`, type: 'load_failed', reason, duration_ms: durationMs, steps: [] });
  const lines = eventLines([failed(9, 'no file', 7), failed(8, 'no file'), failed(6, 'no file'), failed(5, 'no room'), failed(4, 'no file'), { ...failed(3, 'no file'), type: 'load_requested' }]);
  expect(lines.map(({ type, why, times, atMs, firstMs, took }) => [type, why, times, (atMs - firstMs) / 60_000, took])).toEqual([
    ['load_failed', 'no file', 3, 3, '7 ms'],
    ['load_failed', 'no room', 1, 0, '5 ms'],
    ['load_failed', 'no file', 1, 0, '5 ms'],
    ['load_requested', 'no file', 1, 0, '5 ms'],
  ]);
});

test.each([
  ['', null, ['acme/bot', 'acme/helpdesk', 'zoo/bot']],
  ['BOT', null, ['acme/bot', 'zoo/bot']],
  ['acme tiny', null, ['acme/bot']],
  ['', 'loaded', ['acme/helpdesk']],
  ['', 'with an error', ['zoo/bot']],
  ['helpdesk', 'on disk', []],
])('U-35 instances called "%s" in state %s', (text, state, found) => {
  const own = [anInstance({ org_id: 'acme', instance_id: 'bot', model: 'tiny', residency: 'on_disk' }), anInstance({ org_id: 'acme', instance_id: 'helpdesk', model: 'big', residency: 'resident' })];
  const rows = instanceRows(own, [{ org_id: 'zoo', instance_id: 'bot', residency: 'absent', last_error: 'no file' } as AdminHealth['instances'][number]], 'acme');
  expect(matchingInstances(rows, text, state).map(({ orgId, instanceId }) => `${orgId}/${instanceId}`)).toEqual(found);
  expect(state === null || INSTANCE_STATES.includes(state)).toBe(true);
});
