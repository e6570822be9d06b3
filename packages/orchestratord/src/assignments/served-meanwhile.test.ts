import { describe, expect, test } from '@jest/globals';
import type { Assignment, AssignmentStatus, ModelSpec, PoolStatus, ReplicaStatus } from '@corral/contracts';
import { aPoolStatus } from '../../test/node-fixtures.js';
import { modelKeyOf } from '../manifest/model-key.js';
import { assignmentViews } from './assignment-view.js';
import type { WorldLook } from './residency-world.js';
import { servedMeanwhile } from './served-meanwhile.js';

const spec = (model_id: string): ModelSpec => ({ model_id, sources: [`file:/${model_id}.gguf`], digest: null, context: 512, slots: 1, pinned: false });
const specs: Readonly<Record<string, ModelSpec>> = { old: spec('old'), new: spec('new') };
const replica = (model_id: string, state: ReplicaStatus['state']): ReplicaStatus => ({ replica_id: `r-${model_id}`, model_id, state, memory_bytes: 5 }) as ReplicaStatus;

interface Case {
  /** What the wanted set says. */
  readonly wants?: string;
  readonly status?: Partial<AssignmentStatus>;
  readonly replicas: readonly ReplicaStatus[];
  readonly resident: readonly string[];
  readonly pool?: Partial<PoolStatus>;
}

function served({ wants = 'new', status, replicas, resident, pool = {} }: Case): string | null {
  const model = specs[wants] ?? spec(wants);
  const assignment = { org_id: 'acme', instance_id: 'bot', generation: 2, wanted: 'resident', model, target: { node_id: 'n1', pool_id: 'p1' } } as unknown as Assignment;
  const assignments = status === undefined ? [] : [{ org_id: 'acme', instance_id: 'bot', generation: 2, pool_id: 'p1', residency: 'loading', replica_id: null, last_error: null, progress: null, ...status } as AssignmentStatus];
  const place = { nodeId: 'n1', online: true, models: [], assignments, bytesPerS: { staged: null, onDisk: null, network: null }, staging: null };
  const [view] = assignmentViews([assignment], [place]);
  const world = {
    viewOf: () => view,
    pools: [{ poolId: 'p1', nodeId: 'n1', address: '', online: true, snapshotAgeMs: 0, status: aPoolStatus({ pool_id: 'p1', memory_total_bytes: 10, memory_used_bytes: 5, replicas: [...replicas], ...pool }) }],
    residentIn: new Map(resident.map((id) => [modelKeyOf(spec(id)), ['p1']])),
    keyOf: ({ model_id }: ReplicaStatus) => modelKeyOf(spec(model_id)),
  } as unknown as WorldLook;
  return servedMeanwhile('acme/bot', 'new', { world, specOf: (id) => specs[id] });
}

describe('servedMeanwhile', () => {
  const old = replica('old', 'resident');

  test('C-269 the old one answers while the new one is fetched or loaded beside it, and where that has failed', () => {
    const status = { previous_replica_id: 'r-old' };
    expect(served({ status, replicas: [old], resident: ['old'] })).toBe('old');
    expect(served({ status, replicas: [old, replica('new', 'loading')], resident: ['old'] })).toBe('old');
    expect(served({ status: { ...status, residency: 'failed', last_error: 'wrong digest' }, replicas: [old], resident: ['old'] })).toBe('old');
  });

  test('C-269 before the node knows of the change, what it said of the wish before counts', () => {
    expect(served({ status: { generation: 1, residency: 'resident', replica_id: 'r-old' }, replicas: [old], resident: ['old'] })).toBe('old');
    expect(served({ wants: 'old', status: { residency: 'resident', replica_id: 'r-old' }, replicas: [old], resident: ['old'] })).toBe('old');
    expect(served({ status: { generation: 1, residency: 'resident', replica_id: 'r-old', pool_id: 'p2' }, replicas: [old], resident: ['old'] })).toBeNull();
  });

  test('C-269 what has to leave first gets no more work', () => {
    const status = { previous_replica_id: 'r-old' };
    const crowded = { status, replicas: [old, replica('new', 'waiting')], resident: ['old'] };
    expect([served({ ...crowded, pool: { memory_used_bytes: 6 } }), served({ ...crowded, pool: { replicas_max: 1 } }), served(crowded)]).toEqual([null, null, 'old']);
  });

  test('C-269 once the new one is there, or the old one is gone, nothing answers in its place', () => {
    expect(served({ status: { residency: 'resident', previous_replica_id: 'r-old' }, replicas: [old, replica('new', 'resident')], resident: ['old', 'new'] })).toBeNull();
    expect(served({ status: { previous_replica_id: 'r-old' }, replicas: [], resident: [] })).toBeNull();
    expect(served({ status: {}, replicas: [old], resident: ['old'] })).toBeNull();
  });
});
