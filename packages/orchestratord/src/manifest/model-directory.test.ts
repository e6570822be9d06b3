import { describe, expect, test } from '@jest/globals';
import { aModelSpec } from '../../test/fixtures.js';
import { aNodeModel, aNodeState, aPoolStatus } from '../../test/node-fixtures.js';
import { aManifest } from '../../test/residency-rig.js';
import type { NodeModel } from '@corral/contracts';
import type { NodeRecord } from '../nodes/node-record.js';
import { modelViews, poolViews } from '../nodes/registry-views.js';
import type { ModelRecord } from '../catalog/model-intent.js';
import { aCatalogOf } from '../../test/fixtures.js';
import { ModelDirectory, memoryNeedOn } from './model-directory.js';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const record = (nodeId: string, models: NodeModel[]): NodeRecord => ({
  nodeId, machineId: null, address: '', origin: 'registered', phase: 'online', incarnation: 'i', fenced: [], lastReportMs: 0, unsettledReports: 0, lastError: null,
  state: aNodeState({ node_id: nodeId, models, pools: [aPoolStatus({ node_id: nodeId, pool_id: `${nodeId}-p` })] }),
});

function directory(records: readonly NodeRecord[], { known = [], routes = '' }: { known?: readonly ModelRecord[]; routes?: string } = {}) {
  const manifest = aManifest(['a'], routes);
  return new ModelDirectory({ served: { current: () => manifest }, catalog: aCatalogOf([...[...manifest.models.values()].map((model): ModelRecord => ({ ...model, state: 'Active' })), ...known]), instances: { explicitOf: () => [], find: () => undefined }, nodes: { models: () => modelViews(records), pools: () => poolViews(records, 0) } });
}

describe('what can be named', () => {
  test('G-19 the manifest decides what its models are, whatever nodes have under that id', () => {
    expect(directory([record('n1', [aNodeModel('a')])]).specOf('a')).toMatchObject({ sources: ['file:/models/a.gguf'], digest: null });
  });

  test('G-19 a model of a node can be named until it is retired; its digest is that which an earlier run used, else the one most nodes have', () => {
    const records = [record('n1', [aNodeModel('x', 1, { digest: digest('1') })]), record('n2', [aNodeModel('x', 1, { digest: digest('2') })]), record('n3', [aNodeModel('x', 1, { digest: digest('2') })])];
    expect(directory(records).specOf('x')?.digest).toBe(digest('2'));
    const known: ModelRecord[] = [{ spec: aModelSpec({ model_id: 'x', digest: digest('1') }), origin: 'node', state: 'Active' }];
    expect(directory(records, { known }).specOf('x')?.digest).toBe(digest('1'));
    expect(directory([record('n1', [aNodeModel('x', 1, { lifecycle: 'Retired' })])]).specOf('x')).toBeUndefined();
  });

  test('G-22 a model that an earlier run used is known before its node reports', () => {
    const spec = aModelSpec({ model_id: 'x' });
    expect(directory([], { known: [{ spec, origin: 'node', state: 'Active' }] }).specOf('x')).toBe(spec);
  });

  test('B-56 G-10 a retired model keeps its spec, and is in no list', () => {
    const spec = aModelSpec({ model_id: 'x' });
    const retired = directory([record('n1', [aNodeModel('x', 1, { digest: spec.digest ?? '' })])], { known: [{ spec, origin: 'api', state: 'Retired' }] });
    expect([retired.specOf('x'), retired.isRetired('x'), [...retired.modelIds()], retired.resolve('x', 'default').kind]).toEqual([spec, true, ['a'], 'retired']);
  });

  test('F-20 the list has routes, then models, each name once', () => {
    const served = directory([record('n1', [aNodeModel('x'), aNodeModel('chat')])], { routes: '  chat: { model: a }\n' }).served('default');
    expect(served.map(({ id, kind, modelId }) => [id, kind, modelId])).toEqual([['chat', 'route', 'a'], ['a', 'model', 'a'], ['x', 'model', 'x']]);
  });
});

describe('what a model needs', () => {
  const facts = aNodeModel().facts!;
  const linear = { weights_device_bytes: 1_000, weights_host_bytes: 5, context_base_bytes: 100, context_per_cell_bytes: 0.5 };

  test('A-30 weights, and context by whole blocks of cells for every slot', () => {
    const with_ = { ...facts, memory: { cpu: linear } };
    expect(memoryNeedOn('cpu', with_, { context: 300, slots: 2 })).toEqual({ weightsBytes: 1_000, contextBytes: 100 + 0.5 * 512 * 2 });
    expect(memoryNeedOn('cuda', with_, { context: 300, slots: 2 })).toBeNull();
  });

  test('D-60 what a node measured counts before the estimate, for that shape whole, for others the weights', () => {
    const measured = [{ context: 300, slots: 2, weights_bytes: 1_200, context_bytes: 400 }];
    const with_ = { ...facts, memory: { cpu: { ...linear, measured } } };
    expect(memoryNeedOn('cpu', with_, { context: 300, slots: 2 })).toEqual({ weightsBytes: 1_200, contextBytes: 400 });
    expect(memoryNeedOn('cpu', with_, { context: 300, slots: 1 })).toEqual({ weightsBytes: 1_200, contextBytes: 100 + 0.5 * 512 });
  });

  test('A-30 it is not known before a node has read the file', () => {
    const spec = aModelSpec({ model_id: 'a', digest: null });
    expect(directory([record('n1', [])]).memoryNeed(spec)).toBeNull();
    expect(directory([record('n1', [aNodeModel('a', 7, { facts: null })])]).memoryNeed(spec)).toBeNull();
    expect(directory([record('n1', [aNodeModel('a', 7)])]).memoryNeed(spec)).toEqual({ weightsBytes: 7, contextBytes: 0 });
    expect(directory([record('n1', [aNodeModel('a', 7)])]).memoryNeed({ ...spec, digest: digest('9') })).toBeNull();
  });
});
