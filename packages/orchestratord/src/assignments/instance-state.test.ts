import { describe, expect, test } from '@jest/globals';
import type { StagingStatus, WantedResidency } from '@corral/contracts';
import { aModelSpec, anAssignment } from '../../test/fixtures.js';
import { aNodeModel, anAssignmentStatus } from '../../test/node-fixtures.js';
import { assignmentViews, type AssignmentView } from './assignment-view.js';
import { instanceState, type StateSources } from './instance-state.js';

const file = aNodeModel('smollm2', 100);
const model = aModelSpec({ digest: file.digest });
const none = { state: 'none', message: '', steps: [], estimatedMs: null, sinceMs: 0, retryAfterMs: 0 } as const;
const staging: StagingStatus = { used_bytes: 100, max_bytes: 200, best_effort: false, entries: [{ model_id: 'smollm2', digest: file.digest, size_bytes: 100, state: 'staged', progress: null, pinned: false, leases: 0 }], failures: [] };

function view(wanted: WantedResidency, status: Partial<ReturnType<typeof anAssignmentStatus>> | null, over: { readonly online?: boolean; readonly isStaged?: boolean; readonly area?: StagingStatus } = {}): AssignmentView | undefined {
  const { online = true, isStaged = false } = over;
  const assignments = status === null ? [] : [anAssignmentStatus({ replica_id: null, ...status })];
  return assignmentViews([anAssignment({ model, wanted })], [{ nodeId: 'n1', online, models: [file], assignments, bytesPerS: { staged: null, onDisk: null, network: null }, staging: over.area ?? (isStaged ? staging : null) }])[0];
}

const state = (over: Partial<StateSources>) => instanceState({ view: undefined, status: none, residentIn: [], attached: null, isOnDisk: true, isHeldWarm: false, loadMs: 4_000, ...over });

describe('instanceState', () => {
  test('C-60 C-207 of what was never loaded, the file is all there is, and a load takes so long', () => {
    expect(state({})).toEqual({ residency: 'on_disk', isReady: false, nodeId: null, poolId: null, lastError: null, progress: null, estimatedMs: null, retryAfterMs: 4_000 });
    expect(state({ isOnDisk: false, loadMs: null })).toMatchObject({ residency: 'absent', retryAfterMs: null });
  });

  test.each<[string, Partial<StateSources>, object]>([
    ['resident', { view: view('resident', { residency: 'resident' }), residentIn: ['p1'] }, { residency: 'resident', isReady: true, estimatedMs: 0, retryAfterMs: null }],
    ['resident already when its node has not yet heard of the new assignment', { view: view('resident', null), residentIn: ['p1'] }, { residency: 'resident', isReady: true }],
    ['said to be resident, and its pool does not show it', { view: view('resident', { residency: 'resident' }) }, { residency: 'on_disk', isReady: false }],
    ['loading', { view: view('resident', { residency: 'loading', progress: { phase: 'loading', bytes_done: null, bytes_total: null, fraction: 0.5 } }), status: { ...none, state: 'loading', estimatedMs: 1_500 } }, { residency: 'loading', estimatedMs: 1_500, retryAfterMs: 1_500, progress: { phase: 'loading', bytes_done: null, bytes_total: null, fraction: 0.5 } }],
    ['held back after a failure', { view: view('on_disk', { residency: 'on_disk' }), status: { ...none, state: 'failed', message: 'smollm2 could not be loaded: no', retryAfterMs: 9_000 } }, { residency: 'on_disk', lastError: 'smollm2 could not be loaded: no', retryAfterMs: 9_000 }],
    ['on a node that is away', { view: view('resident', { residency: 'resident' }, { online: false }), residentIn: [] }, { residency: 'on_disk', isReady: false, lastError: 'node n1 does not report; see that pool-managerd runs there' }],
    ['draining', { view: view('on_disk', { residency: 'draining' }, { isStaged: true }) }, { residency: 'draining', isReady: false }],
    ['staged', { view: view('staged', { residency: 'staged' }, { isStaged: true }) }, { residency: 'staged', isReady: false, estimatedMs: 0 }],
    ['half staged', { view: view('staged', { residency: 'on_disk', progress: { phase: 'staging', bytes_done: 25, bytes_total: 100, fraction: 0.25 } }) }, { residency: 'on_disk', estimatedMs: 3_000 }],
    ['unloaded, whatever copy is left', { view: view('on_disk', { residency: 'on_disk' }, { isStaged: true }) }, { residency: 'on_disk' }],
  ])('C-60 %s', (_what, over, expected) => {
    expect(state(over)).toMatchObject(expected);
  });

  const area = (over: Partial<StagingStatus>): StagingStatus => ({ ...staging, entries: [], ...over });
  test.each<[string, AssignmentView | undefined, string | null]>([
    ['the area is too small', view('on_disk', { residency: 'on_disk' }, { area: area({ max_bytes: 50 }) }), 'smollm2 has 100 B and the staging area of node n1 50 B; raise POOL_MANAGERD_STAGE_MAX_BYTES there, or make the instance cold'],
    ['there is no area', view('on_disk', { residency: 'on_disk' }), 'node n1 has no staging area, so that smollm2 stays on disk; give it one with POOL_MANAGERD_STAGE_DIR'],
    ['its copy failed', view('on_disk', { residency: 'on_disk' }, { area: area({ failures: [{ model_id: 'smollm2', digest: file.digest, message: 'the disk says no' }] }) }), 'the disk says no'],
    ['others are in use', view('on_disk', { residency: 'on_disk' }, { area: area({}) }), 'the 200 B of the staging area of node n1 are taken by what was used later than smollm2 or is in use; raise POOL_MANAGERD_STAGE_MAX_BYTES there'],
    ['it is on its way', view('staged', { residency: 'on_disk' }, { area: area({}) }), null],
  ])('C-209 a warm instance that is not in RAM says why: %s', (_what, one, lastError) => {
    expect(state({ view: one, isHeldWarm: true })).toMatchObject({ lastError });
    expect(state({ view: one })).toMatchObject({ lastError: null });
  });
});
