import { describe, expect, test } from '@jest/globals';
import { noteMeasured } from '@corral/catalog-core';
import type { Assignment } from '@corral/contracts';
import { aReplica } from '../../test/a-replica.js';
import { anAssignment } from '../../test/an-assignment.js';
import type { PlannedPool } from '../devices/planned-pool.js';
import { wantedModelKey } from '../models/present-model.js';
import type { Presence, PresenceState } from '../models/present-model.js';
import { assignmentStatus } from './assignment-status.js';
import type { StatusSources } from './assignment-status.js';
import { keyOfAssignment } from './holders.js';
import { leavingCause } from './leaving-cause.js';
import type { JournalEntry } from './journal-state.js';
import { wantedModelOf } from './wanted-model.js';
import { wantedReplicas } from './wanted-replicas.js';

const POOL: PlannedPool = { poolId: 'p1', device: 'cpu', deviceKind: 'cpu', deviceName: 'A CPU', deviceMask: '', memoryTotalBytes: 9_000, replicasMax: 2, threadsPerReplica: 1, problem: null };
const facts = (weights: number) => ({
  architecture: 'llama',
  name: null,
  quant: null,
  layers: 1,
  embeddingLength: 1,
  vocabSize: 1,
  trainContext: 512,
  hasChatTemplate: true,
  memory: { cpu: { weightsBytes: { deviceBytes: weights, hostBytes: 0 }, contextMemory: { baseBytes: 10, perCellBytes: 1 } } },
});

const entry = (assignment: Assignment, acceptedSeq = 1): JournalEntry => ({ assignment, acceptedSeq });
function presenceOf(assignment: Assignment, over: Partial<Presence> = {}): Presence {
  const wanted = wantedModelOf(assignment);
  const model = { modelId: wanted.modelId, digest: `sha256:${wanted.modelId}`, path: `/m/${wanted.modelId}`, sizeBytes: 100, facts: facts(100) };
  return { key: wantedModelKey(wanted), wanted, phase: { state: 'present' }, model, failures: 0, generation: 1, ...over };
}
function sourcesOf(...presences: readonly Presence[]) {
  const byKey = new Map(presences.map((presence) => [presence.key, presence]));
  return { pools: new Map([['p1', POOL]]), presence: (key: string) => byKey.get(key), isBeingStaged: (_digest: string) => false };
}

describe('wantedReplicas', () => {
  const a = anAssignment('a');

  test('C-82 instances of one model, pool and shape ask for one replica; another context or name is another one', () => {
    const other = anAssignment('c', { model: { ...a.model, context: 512 }, model_ref: 'a' });
    const named = anAssignment('d');
    const sameFile = { ...presenceOf(named), model: presenceOf(a).model };
    const wanted = wantedReplicas([entry(a), entry({ ...a, instance_id: 'b', generation: 4 }), entry(other), entry(named)], sourcesOf(presenceOf(a), sameFile));
    expect(wanted.map(({ key, latestGeneration, memoryBytes }) => ({ key, latestGeneration, memoryBytes }))).toEqual([
      { key: 'p1|cpu|a|sha256:a|256x2', latestGeneration: 4, memoryBytes: 100 + 10 + 512 },
      { key: 'p1|cpu|a|sha256:a|512x2', latestGeneration: 1, memoryBytes: 100 + 10 + 1_024 },
      { key: 'p1|cpu|d|sha256:a|256x2', latestGeneration: 1, memoryBytes: 100 + 10 + 512 },
    ]);
  });

  test('C-10 the order is that of arrival; of one full set, that of generations', () => {
    const [b, c] = [anAssignment('b', { generation: 9 }), anAssignment('c', { generation: 2 })];
    const wanted = wantedReplicas([entry(a, 5), entry(b, 3), entry(c, 3)], sourcesOf(presenceOf(a), presenceOf(b), presenceOf(c)));
    expect(wanted.toSorted((x, y) => x.order - y.order).map(({ modelId }) => modelId)).toEqual(['c', 'b', 'a']);
  });

  test('C-14 D-60 what was measured counts more than what was estimated; without figures the file is the least', () => {
    const unread = presenceOf(a);
    const known = noteMeasured(facts(100), 'cpu', { context: 256, slots: 2, weightsBytes: 70, contextBytes: 7 });
    expect(wantedReplicas([entry(a)], sourcesOf({ ...unread, model: unread.model && { ...unread.model, facts: known } })).map(({ memoryBytes }) => memoryBytes)).toEqual([77]);
    expect(wantedReplicas([entry(a)], sourcesOf({ ...unread, model: unread.model && { ...unread.model, facts: null } })).map(({ memoryBytes }) => memoryBytes)).toEqual([100]);
  });

  test('C-11 without the file nothing is wanted yet; while it is looked at again, nothing is started', () => {
    const working: PresenceState = { state: 'working', progress: null };
    expect(wantedReplicas([entry(a)], sourcesOf(presenceOf(a, { phase: working, model: null })))).toEqual([]);
    expect(wantedReplicas([entry(a)], sourcesOf(presenceOf(a, { phase: working }))).map(({ isVerified }) => isVerified)).toEqual([false]);
  });

  test('C-224 a load waits while its file is being staged', () => {
    const wanted = wantedReplicas([entry(a), entry(anAssignment('b'))], { ...sourcesOf(presenceOf(a), presenceOf(anAssignment('b'))), isBeingStaged: (digest) => digest === 'sha256:a' });
    expect(wanted.map(({ modelId, isVerified }) => [modelId, isVerified])).toEqual([['a', false], ['b', true]]);
  });

  test.each(['absent', 'on_disk', 'staged'] as const)('E-10 an assignment that wants %s asks for no replica', (wanted) => {
    expect(wantedReplicas([entry({ ...a, wanted })], sourcesOf(presenceOf(a)))).toEqual([]);
  });
});

describe('assignmentStatus', () => {
  const a = anAssignment('a');
  const status = (assignment: Assignment, presence: Presence | null, over: { isOnDisk?: boolean; staging?: StatusSources['staging']; isSettled?: boolean; isDraining?: boolean; pool?: PlannedPool | null } = {}) => {
    const { pool = POOL, isOnDisk = false, staging = null, isSettled = true, isDraining = false } = over;
    const pools = new Map(pool === null ? [] : [[pool.poolId, pool]]);
    const { residency, last_error, progress } = assignmentStatus(assignment, {
      pools,
      replicas: [],
      presence: (key) => (presence?.key === key ? presence : undefined),
      digestOnDisk: () => (isOnDisk ? 'sha256:a' : null),
      staging,
      isSettled,
      isDraining: () => isDraining,
      unixMs: (ms) => ms,
    });
    return { residency, last_error, progress };
  };
  const working = (bytes: number, totalBytes: number | null): PresenceState => ({ state: 'working', progress: { phase: 'downloading', bytes, totalBytes } });

  test('C-144 a download shows how far it is', () => {
    const progress = { phase: 'downloading', bytes_done: 25, bytes_total: 100, fraction: 0.25 };
    expect(status(a, presenceOf(a, { phase: working(25, 100), model: null }))).toEqual({ residency: 'absent', last_error: null, progress });
    expect(status(a, presenceOf(a, { phase: working(25, null), model: null })).progress).toEqual({ ...progress, bytes_total: null, fraction: null });
  });

  test('C-144 a failure to get the file is the failure of the assignment', () => {
    expect(status(a, presenceOf(a, { phase: { state: 'failed', error: 'no such file', retryAtMs: 9 }, model: null }))).toEqual({ residency: 'failed', last_error: 'no such file', progress: null });
  });

  test('C-144 what is not wanted is on disk or absent, as the catalog has it', () => {
    const unwanted = { ...a, wanted: 'absent' as const };
    expect([status(unwanted, null, { isOnDisk: true }).residency, status(unwanted, null).residency]).toEqual(['on_disk', 'absent']);
  });

  const area = (over: Partial<NonNullable<StatusSources['staging']>>) => ({ has: () => false, running: () => null, problemOf: () => null, ...over });

  test('C-71 C-144 what is to be staged is on disk until it is, with its progress or with what stands in the way', () => {
    const staged = { ...a, wanted: 'staged' as const };
    const model = { modelId: 'a', digest: 'sha256:a' as const, path: '/m/a', sizeBytes: 100 };
    const progress = { phase: 'staging', bytes_done: 25, bytes_total: 100, fraction: 0.25 };
    expect([
      status(staged, presenceOf(a), { staging: area({ has: () => true }) }),
      status(staged, presenceOf(a), { staging: area({ running: () => ({ model, copiedBytes: 25 }) }) }),
      status(staged, presenceOf(a), { staging: area({ running: () => ({ model: { ...model, digest: 'sha256:b' }, copiedBytes: 25 }) }) }),
      status(staged, presenceOf(a), { staging: area({ problemOf: () => ({ kind: 'too_large', message: 'too large', retryAtMs: null }) }) }),
      status(staged, presenceOf(a)),
    ]).toEqual([
      { residency: 'staged', last_error: null, progress: null },
      { residency: 'on_disk', last_error: null, progress },
      { residency: 'on_disk', last_error: null, progress: { phase: 'staging', bytes_done: null, bytes_total: null, fraction: null } },
      { residency: 'on_disk', last_error: 'too large', progress: null },
      { residency: 'on_disk', last_error: expect.stringContaining('stages nothing'), progress: null },
    ]);
  });

  test.each([['staged', 'staged'], ['resident', 'staged'], ['on_disk', 'on_disk'], ['absent', 'on_disk']] as const)('C-225 with a staged copy, what is to be %s is %s: a copy that is left over is nobody\'s', (wanted, residency) => {
    expect(status({ ...a, wanted }, presenceOf(a), { isOnDisk: true, staging: area({ has: () => true }) }).residency).toBe(residency);
  });

  test('T-110 a pool that is not there, or cannot be used, is the reason; before the pools are known, nothing is', () => {
    expect(status(a, presenceOf(a), { pool: null })).toMatchObject({ residency: 'failed', last_error: expect.stringContaining('node n1 has no pool p1') });
    expect(status(a, presenceOf(a), { pool: { ...POOL, problem: 'no such device' } })).toMatchObject({ residency: 'failed', last_error: 'no such device' });
    expect(status(a, presenceOf(a), { pool: null, isSettled: false })).toEqual({ residency: 'on_disk', last_error: null, progress: null });
  });

  test.each([['room', { no_room: true }], ['memory', {}]] as const)('C-264 a load that failed for want of %s says whether it may yet find room', (kind, more) => {
    const failed = aReplica('a', { state: 'failed', sinceMs: 0, retryAtMs: null, failure: { kind, reason: 'memory', message: 'full' } }, { lastError: 'full', key: keyOfAssignment(a, sourcesOf(presenceOf(a))) ?? '' });
    const sources = { pools: new Map([[POOL.poolId, POOL]]), replicas: [failed], presence: () => presenceOf(a), digestOnDisk: () => 'sha256:a', staging: null, isSettled: true, isDraining: () => false, unixMs: (ms: number) => ms };
    const { generation, instance_id, org_id } = a;
    expect(assignmentStatus(a, sources)).toEqual({ generation, instance_id, org_id, pool_id: 'p1', residency: 'failed', replica_id: 'a', last_error: 'full', progress: null, ...more });
  });

  test('C-44 in a drained pool it stays on disk, with the way out', () => {
    expect(status(a, presenceOf(a), { isDraining: true })).toMatchObject({ residency: 'on_disk', last_error: expect.stringContaining('DELETE /v2/pools/p1/drain') });
  });
});

describe('leavingCause', () => {
  test('H-13 the reason is that of whoever unloaded it last', () => {
    const unload = (reason: string, generation: number) => anAssignment('a', { wanted: 'absent', reason, generation });
    const entries = [entry(unload('c waits for its memory', 2), 7), entry({ ...unload('nobody used it', 5), instance_id: 'b' }, 3), entry(anAssignment('a', { instance_id: 'd' }), 9)];
    expect(leavingCause(entries, { modelId: 'a', isPoolDrained: false })).toBe('c waits for its memory');
    expect(leavingCause(entries, { modelId: 'x', isPoolDrained: false })).toBe('no assignment wants it');
    expect(leavingCause(entries, { modelId: 'a', isPoolDrained: true })).toBe('the pool is drained');
  });
});
