import { describe, expect, test } from '@jest/globals';
import type { LoadProgress } from '@corral/contracts';
import type { ResidencyPlan } from '@corral/orchestrator-core';
import { aModelSpec, anAssignment } from '../../test/fixtures.js';
import { aNodeModel, anAssignmentStatus } from '../../test/node-fixtures.js';
import { assignmentViews, type AssignmentView } from './assignment-view.js';
import { statusNow, type StatusSources } from './model-status.js';

const model = aModelSpec({ digest: null });
const progress = (phase: LoadProgress['phase'], over: Partial<LoadProgress> = {}): LoadProgress => ({ phase, bytes_done: null, bytes_total: null, fraction: null, ...over });

function viewOf(wanted: 'resident' | 'on_disk', over: Partial<ReturnType<typeof anAssignmentStatus>> = {}, place: { online?: boolean; onDisk?: boolean } = {}): readonly AssignmentView[] {
  const { online = true, onDisk = true } = place;
  const node = { nodeId: 'n1', online, models: onDisk ? [aNodeModel('smollm2', 1_048_576)] : [], assignments: [anAssignmentStatus({ residency: 'on_disk', replica_id: null, ...over })], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null };
  return assignmentViews([anAssignment({ model, wanted })], [node]);
}

const sources = (over: Partial<StatusSources>): StatusSources => ({
  modelId: 'smollm2', views: [], residentIn: [], plan: undefined, away: null, failure: undefined, lastLoadMs: () => null, nowMs: 1_000, wasResident: () => false,
  nameOfModel: (key) => key.split('@')[0] ?? key, nameOfReplica: (id) => `model of ${id}`, ...over,
});

const why = { asked: { tier: 'demand', source: 'demand', priority: 'interactive', waitingMs: 0 }, needBytes: 5, freeBytes: 0, weights: 'on_disk', cost: { queueMs: 0, waitMs: 3_200, drainMs: 0, fetchMs: 0, loadMs: 800, yieldMs: 0, totalMs: 4_000 }, poolsConsidered: 1, runnerUp: null } as const;
const wait: ResidencyPlan = { kind: 'wait', poolId: 'p1', nodeId: 'n1', untilMs: 3_200, reason: 'quantum', blockedBy: [{ replicaId: 'r9', modelKey: 'synthetic@512', because: 'quantum', untilMs: 3_200 }], why };
const impossible = (reason: 'held' | 'too_large' | 'weights_unavailable' | 'no_pool'): ResidencyPlan => ({ kind: 'impossible', reason, neededBytes: 2_097_152, largestPoolBytes: 1_048_576, heldBy: [{ replicaId: 'r9', poolId: 'p1', because: 'hot' }], poolsConsidered: 1 });

describe('statusNow', () => {
  test.each<[string, Partial<StatusSources>, string, string]>([
    ['nothing', {}, 'none', 'smollm2 is not loaded, and nothing has asked for it'],
    ['on its way to the node', { views: viewOf('on_disk', { residency: 'absent' }, { onDisk: false }) }, 'fetching', 'smollm2 is being fetched to node n1'],
    ['D-68 collected while it rested, which nobody undoes by himself', { views: viewOf('on_disk', { residency: 'absent', released: true }, { onDisk: false }) }, 'none', 'smollm2 is not loaded, and nothing has asked for it'],
    ['resident', { residentIn: ['p1', 'p2'], plan: wait }, 'resident', 'smollm2 is resident in p1, p2'],
    ['its last load failed', { failure: { message: 'no file', failures: 1, failedAtMs: 0, retryAtMs: 2_500, heldIn: null } }, 'failed', 'smollm2 could not be loaded: no file'],
    ['it may be tried again', { failure: { message: 'no file', failures: 1, failedAtMs: 0, retryAtMs: 1_000, heldIn: null } }, 'none', 'smollm2 is not loaded, and nothing has asked for it'],
    ['it comes back after a crash', { views: viewOf('resident', { residency: 'loading', last_error: 'it was killed', progress: progress('restarting') }) }, 'loading', 'smollm2 is started again in pool p1 after: it was killed'],
    ['another one has its quantum', { plan: wait }, 'waiting', 'synthetic works in pool p1; it makes room at the latest in 3.2 s'],
    ['another one loads', { plan: { ...wait, reason: 'loading' } }, 'waiting', 'synthetic is being loaded in pool p1; room is made at the latest in 3.2 s'],
    ['an older one waits', { plan: { ...wait, reason: 'turn', blockedBy: [] } }, 'waiting', 'an older request waits for pool p1; its turn comes first'],
    ['too large', { plan: impossible('too_large') }, 'impossible', 'smollm2 needs 2.0 MiB of device memory and the largest pool has 1.0 MiB; raise the memory of a pool, or lower context or slots of the model'],
    ['held', { plan: impossible('held') }, 'impossible', "smollm2 needs 2.0 MiB and the room is held for good by model of r9 (hot); raise the memory of a pool, or take a model's tier or pin back"],
    ['nowhere to fetch', { plan: impossible('weights_unavailable') }, 'impossible', 'no node has smollm2, and its sources cannot be fetched; add a source to the model in the manifest'],
    ['no pool', { plan: impossible('no_pool') }, 'waiting', 'no pool that may take smollm2 is ready; look at corral pools'],
    ['fetched', { views: viewOf('on_disk', { residency: 'absent', progress: progress('downloading', { fraction: 0.255 }) }, { onDisk: false }) }, 'fetching', 'smollm2 is being fetched to node n1, 25 % done'],
    ['ordered, and the node has not heard', { views: viewOf('resident', { generation: 0 }) }, 'loading', 'smollm2 is being loaded in pool p1'],
    ['loaded', { views: viewOf('resident', { residency: 'loading', progress: progress('loading', { fraction: 0.5 }) }) }, 'loading', 'smollm2 is being loaded in pool p1, 50 % done'],
    ['waits for memory', { views: viewOf('resident', { progress: progress('waiting_for_memory') }) }, 'loading', 'smollm2 waits in pool p1 until others have left its memory'],
    ['resident, and its pool not yet shown', { views: viewOf('resident', { residency: 'resident' }) }, 'loading', 'smollm2 is being loaded in pool p1'],
    ['crashed', { views: viewOf('resident', { residency: 'failed', last_error: 'SIGKILL' }), wasResident: () => true }, 'loading', 'smollm2 is started again in pool p1 after: SIGKILL'],
    ['wanted on a node that is away', { views: viewOf('resident', {}, { online: false }) }, 'none', 'smollm2 is not loaded, and nothing has asked for it'],
  ])('J-07 C-60 %s', (_what, over, state, message) => {
    const status = statusNow(sources(over));
    expect([status.state, status.message]).toEqual([state, message]);
  });

  test('J-02 a failure says when it is worth trying again', () => {
    expect(statusNow(sources({ failure: { message: 'no', failures: 1, failedAtMs: 0, retryAtMs: 2_500, heldIn: null } })).retryAfterMs).toBe(1_500);
  });

  test('B-51 J-07 the steps show how far the fetch and the load are', () => {
    const fetching = statusNow(sources({ views: viewOf('on_disk', { residency: 'absent', progress: progress('downloading', { bytes_done: 262_144, bytes_total: 1_048_576, fraction: 0.25 }) }, { onDisk: false }) }));
    expect(fetching.steps).toEqual([
      { id: 'fetch:smollm2', kind: 'model_fetch', group: 'smollm2', description: 'fetch smollm2 (1.0 MiB)', estimated_ms: null, bytes_total: 1_048_576, bytes_done: 262_144, status: 'running' },
      { id: 'load:smollm2', kind: 'pool_warmup', group: 'smollm2', description: 'load smollm2 in pool p1', estimated_ms: null, bytes_total: null, bytes_done: null, status: 'pending' },
    ]);
    const loading = statusNow(sources({ lastLoadMs: () => 800, views: viewOf('resident', { residency: 'loading', progress: progress('loading', { fraction: 0.5 }) }) }));
    expect(loading.steps).toEqual([
      { id: 'fetch:smollm2', kind: 'model_fetch', group: 'smollm2', description: 'fetch smollm2 (1.0 MiB)', estimated_ms: null, bytes_total: 1_048_576, bytes_done: 1_048_576, status: 'completed' },
      { id: 'load:smollm2', kind: 'pool_warmup', group: 'smollm2', description: 'load smollm2 in pool p1', estimated_ms: 800, bytes_total: 1_048_576, bytes_done: 524_288, status: 'running' },
    ]);
    expect(loading.estimatedMs).toBe(400);
  });

  test('B-51 C-60 a copy into RAM is a step of its own, and says how far it is', () => {
    const staging = statusNow(sources({ lastLoadMs: () => 800, views: viewOf('resident', { residency: 'on_disk', progress: progress('staging', { bytes_done: 524_288, bytes_total: 1_048_576, fraction: 0.5 }) }) }));
    expect([staging.state, staging.message, staging.estimatedMs]).toEqual(['loading', 'smollm2 is being staged on node n1, 50 % done', 400]);
    expect(staging.steps.map(({ kind, status, bytes_done }) => [kind, status, bytes_done])).toEqual([['model_fetch', 'completed', 1_048_576], ['model_stage', 'running', 524_288], ['pool_warmup', 'pending', null]]);
  });
});
