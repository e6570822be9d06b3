import { describe, expect, test } from '@jest/globals';
import { isApiError, type NodeModel } from '@corral/contracts';
import { anAssignment, aModelSpec } from '../../test/fixtures.js';
import { aNodeModel, aPoolStatus, aReplicaStatus } from '../../test/node-fixtures.js';
import type { NodePlace, PoolView } from '../nodes/node-view.js';
import { availabilityOf } from './availability.js';
import { FleetLook } from './fleet-look.js';
import { forecastOf } from './forecast.js';
import { intentOf } from './model-intent.js';
import { modelView, versionOf, type KnownModel } from './model-view.js';
import { pullTargets } from './pull-targets.js';
import { usesOf } from './purge.js';

const place = (nodeId: string, models: readonly NodeModel[], over: Partial<NodePlace> = {}): NodePlace => ({ nodeId, online: true, models, assignments: [], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null, ...over });
const pool = (nodeId: string, over: Parameters<typeof aPoolStatus>[0] = {}): PoolView => ({ poolId: `${nodeId}-p`, nodeId, address: 'http://n', online: true, snapshotAgeMs: 0, status: aPoolStatus({ pool_id: `${nodeId}-p`, node_id: nodeId, replicas: [], ...over }) });
const facts = { ...aNodeModel().facts!, train_context: 8_192, memory: { cpu: { weights_device_bytes: 1_000, weights_host_bytes: 0, context_base_bytes: 100, context_per_cell_bytes: 2 } } };
const known = (over: Partial<KnownModel> = {}): KnownModel => ({ spec: aModelSpec({ model_id: 'm', digest: null }), origin: 'api', state: 'Active', intent: intentOf(aModelSpec({ model_id: 'm' }), 'api', 5), ...over });

describe('the forecast', () => {
  const shape = { context: 512, slots: 2 };
  test('A-160 tells what a pool needs and the largest context, from the facts alone', () => {
    const [fits, not] = forecastOf(facts, shape, [pool('a', { device_kind: 'cpu', memory_total_bytes: 4_000 }), pool('b', { device_kind: 'cpu', memory_total_bytes: 2_500 })]);
    expect(fits).toMatchObject({ fits: true, weights_bytes: 1_000, kv_bytes_per_token: 2, required_bytes: 3_148, largest_context: 512 });
    expect(not).toMatchObject({ fits: false, required_bytes: 3_148, largest_context: 256, reason: expect.stringContaining('a context of 256 would fit') });
  });

  test('A-160 says why it cannot tell', () => {
    expect(forecastOf(facts, shape, [pool('a', { attached: { model_id: 'other', digest: `sha256:${'0'.repeat(64)}`, context: 512, slots: 1 } })])).toEqual([]);
    expect(forecastOf(null, shape, [pool('a', { device_kind: 'cpu' })])[0]).toMatchObject({ fits: null, reason: expect.stringContaining('corral models pull') });
    expect(forecastOf(facts, shape, [pool('a', { device_kind: 'cuda' })])[0]).toMatchObject({ fits: null, reason: expect.stringContaining('cuda') });
    expect(forecastOf(facts, shape, [pool('a', { device_kind: null })])[0]).toMatchObject({ fits: null, reason: expect.stringContaining('no usable device') });
  });
});

describe('where a model is', () => {
  const look = new FleetLook({
    places: [place('a', [aNodeModel('m', 10, { verification: { result: 'fail', reason: 'differs' }, last_verified_ms: 9 })]), place('b', [aNodeModel('m', 10, { facts })], { online: false }), place('c', [])],
    pools: [pool('a', { replicas: [aReplicaStatus({ model_id: 'm', state: 'resident' }), aReplicaStatus({ model_id: 'm', state: 'failed' })] })],
    wanted: [anAssignment({ model: aModelSpec({ model_id: 'm' }), target: { node_id: 'c', pool_id: 'c-p' } })],
  });

  test('P-41 is told for every node that has it or is to have it; the worst verification and the latest time count', () => {
    const view = modelView(known(), look);
    expect(view.availability.map(({ node_id, online, present, resident, wanted }) => [node_id, online, present, resident, wanted])).toEqual([['a', true, true, 1, 0], ['b', false, true, 0, 0], ['c', true, false, 0, 1]]);
    expect([view.verification?.result, view.last_verified_ms, view.size_bytes, view.created_ms]).toEqual(['fail', Math.max(9, aNodeModel().last_verified_ms), 10, 5]);
  });

  test('B-96 is told by node and by model', () => {
    const { nodes, models, ...sums } = availabilityOf(look.sources, []);
    expect([Object.keys(nodes), nodes['a']?.pools, models['m']]).toEqual([['a', 'b', 'c'], [{ pool_id: 'a-p', ready: true, models: ['m'] }], { nodes: ['a', 'b'], online_nodes: ['a'], resident_pools: ['a-p'] }]);
    expect(sums).toEqual({ total_models: 1, replicated_models: ['m'], single_node_models: [] });
  });

  test('A-165 the version is another one after every change of what somebody says', () => {
    const intent = intentOf(aModelSpec({ model_id: 'm' }), 'api', 5);
    const versions = [known(), known({ state: 'Retired' }), known({ intent: { ...intent, tags: ['x'] } }), known({ intent: { ...intent, drainUntilMs: 1 } }), known({ spec: aModelSpec({ model_id: 'm', pinned: true }) })].map(versionOf);
    expect([new Set(versions).size, versionOf(known({ intent: { ...intent, lastVerifiedMs: 3 } })) === versions[0]]).toEqual([5, true]);
  });
});

describe('who pulls', () => {
  const sources = { places: [place('a', []), place('b', []), place('c', [aNodeModel('m')], { online: false })], pools: [pool('a', { ready: true, memory_total_bytes: 10, memory_used_bytes: 8 }), pool('b', { ready: true, memory_total_bytes: 10, memory_used_bytes: 1 })] };
  const refused = (asked: readonly string[]): unknown => {
    try {
      return pullTargets('m', [...asked], sources);
    } catch (error) {
      return isApiError(error) ? [error.code, error.message] : error;
    }
  };

  test('A-162 those that are named, all that report, the one that has it, else the one with most room', () => {
    expect([pullTargets('m', ['a'], sources), pullTargets('m', 'all', sources), pullTargets('m', undefined, sources)]).toEqual([['a'], ['a', 'b'], ['b']]);
    expect(pullTargets('m', undefined, { ...sources, places: [place('a', [aNodeModel('m')]), place('b', [])] })).toEqual(['a']);
    expect([refused(['c']), refused(['aa'])]).toEqual([['NODE_UNAVAILABLE', expect.stringContaining('does not report')], ['NOT_FOUND', expect.stringContaining('did you mean')]]);
  });
});

describe('a purge', () => {
  const served = (models: readonly string[] = []) => ({ current: () => ({ path: '/corral.yaml', models: new Map(models.map((id) => [id, {}])) }) }) as unknown as Parameters<typeof usesOf>[1]['served'];
  const empty = { places: [], pools: [], wanted: [] };
  const uses = (over: Partial<Parameters<typeof usesOf>[1]> = {}, model = known()) => usesOf(model, { served: served(), look: () => new FleetLook(empty), instances: () => [], ...over });

  test('G-09 names who uses the model and what to do; nobody, and it may go', () => {
    expect(uses()).toBeNull();
    expect(uses({}, known({ spec: aModelSpec({ model_id: 'm', pinned: true }) }))).toContain('unpin it first');
    expect(uses({}, known({ origin: 'starter' }))).toContain('starter');
    expect(uses({ served: served(['m']) })).toContain('/corral.yaml');
    expect(uses({ instances: () => [{ orgId: 'acme', instanceId: 'bot', kind: 'explicit', modelRef: 'm' }] })).toContain('acme/bot');
    expect(uses({ instances: () => [{ orgId: 'default', instanceId: 'model.m', kind: 'implicit', modelRef: 'm' }] })).toBeNull();
    expect(uses({ look: () => new FleetLook({ ...empty, pools: [pool('a', { replicas: [aReplicaStatus({ model_id: 'm', state: 'parked' })] })] }) })).toContain('loaded in pool a-p');
    expect(uses({ look: () => new FleetLook({ ...empty, wanted: [anAssignment({ model: aModelSpec({ model_id: 'm' }), wanted: 'staged' })] }) })).toContain('wanted on node n1');
    expect(uses({ look: () => new FleetLook({ ...empty, wanted: [anAssignment({ model: aModelSpec({ model_id: 'm' }), wanted: 'on_disk' })] }) })).toBeNull();
  });
});
