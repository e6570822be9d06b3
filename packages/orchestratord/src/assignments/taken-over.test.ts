import { expect, test } from '@jest/globals';
import type { Assignment, ModelSpec, PoolChange } from '@corral/contracts';
import { modelKeyOf } from '../manifest/model-key.js';
import type { PoolView } from '../nodes/node-view.js';
import { keyOfView, type AssignmentView } from './assignment-view.js';
import { takenOver } from './taken-over.js';

const digestOf = (name: string): string => `sha256:${name.repeat(64)}`;
const spec = (name: string): ModelSpec => ({ model_id: name, sources: [`file:/${name}`], digest: digestOf(name), context: 256, slots: 2, pinned: false });
const REPLACED = { model_id: 'a', digest: digestOf('a'), context: 256, slots: 2 };
const RELOAD: PoolChange = { operation_id: 'op-1', kind: 'reload', model: spec('b'), replaces: REPLACED };

function world(changes: readonly PoolChange[], ...assignments: readonly Assignment[]) {
  const views = assignments.map((assignment): AssignmentView => ({ assignment, modelKey: modelKeyOf(assignment.model), status: undefined, place: undefined }));
  const pools = [{ poolId: 'p1', nodeId: 'n1', address: '', online: true, snapshotAgeMs: 0, status: { changes } } as unknown as PoolView];
  return { pools, views, viewOf: (key: string) => views.find((view) => keyOfView(view) === key) };
}

function wants(instance_id: string, model: ModelSpec, over: Partial<Assignment> = {}): Assignment {
  return { instance_id, org_id: 'acme', tier: 'demand', wanted: 'resident', model_ref: model.model_id, model, digest: model.digest, config_hash: '', generation: 1, source: 'demand', reason: '', target: { node_id: 'n1', pool_id: 'p1' }, correlation_id: 'c', ...over };
}

const TO_B = { instance: { orgId: 'default', instanceId: 'model.b', tier: 'hot' }, model: spec('b'), wanted: 'resident', target: { nodeId: 'n1', poolId: 'p1' }, source: 'api_load', reason: 'an operator reloaded pool p1 to b', heldTier: 'hot' };

test('C-262 after a reload the new model is wanted with the strongest wish of those that it replaced, and those rest on disk', () => {
  const rest = { wanted: 'on_disk', event: 'unload', target: { nodeId: 'n1', poolId: 'p1' }, source: 'api_load', reason: 'an operator reloaded pool p1 to b', heldTier: null, model: spec('a') };
  expect(takenOver(world([RELOAD], wants('bot', spec('a'), { tier: 'hot' }), wants('other', spec('a')), wants('elsewhere', spec('a'), { target: { node_id: 'n1', pool_id: 'p2' } }), wants('c', spec('c'))))).toEqual([
    { ...rest, instance: { orgId: 'acme', instanceId: 'bot', tier: 'hot' } },
    { ...rest, instance: { orgId: 'acme', instanceId: 'other', tier: 'demand' } },
    TO_B,
  ]);
});

test('C-262 what is wanted already is not wanted anew, and a node that does not report is not asked', () => {
  const agreed = world([RELOAD], wants('model.b', spec('b'), { org_id: 'default' }), wants('bot', spec('a'), { wanted: 'on_disk' }));
  expect(takenOver(agreed)).toEqual([]);
  const silent = world([RELOAD], wants('bot', spec('a')));
  expect(takenOver({ ...silent, pools: silent.pools.map((pool) => ({ ...pool, online: false })) })).toEqual([]);
});

test('C-262 a preload is wanted beside what is there', () => {
  expect(takenOver(world([{ ...RELOAD, kind: 'preload', replaces: null }], wants('bot', spec('a'), { tier: 'hot' })))).toEqual([
    { ...TO_B, instance: { ...TO_B.instance, tier: 'demand' }, reason: 'an operator loaded b in pool p1', heldTier: null },
  ]);
});
