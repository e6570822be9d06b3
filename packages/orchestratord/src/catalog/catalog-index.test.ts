import { expect, test } from '@jest/globals';
import { aModelSpec } from '../../test/fixtures.js';
import { aNodeModel } from '../../test/node-fixtures.js';
import type { NodePlace } from '../nodes/node-view.js';
import { CatalogIndex, type ModelFilter } from './catalog-index.js';
import { intentOf, specOfIntent, type ModelIntent } from './model-intent.js';

const ALL: ModelFilter = { state: null, tag: null, nodeId: null, text: null };

function anIndex(intents: readonly ModelIntent[], places: () => readonly NodePlace[] = () => []) {
  const byId = new Map(intents.map((intent) => [intent.modelId, intent]));
  const record = (id: string) => {
    const intent = byId.get(id);
    return intent && { spec: specOfIntent(intent), origin: intent.origin, state: intent.state };
  };
  return new CatalogIndex({
    catalog: { version: () => 1, intent: (id) => byId.get(id), record, records: () => [...byId.keys()].flatMap((id) => record(id) ?? []), isRemoved: (id) => id === 'purged' },
    found: (id) => (places().some(({ models }) => models.some(({ model_id }) => model_id === id)) ? aModelSpec({ model_id: id }) : undefined),
    places,
  });
}

const intent = (id: string, over: Partial<ModelIntent> = {}): ModelIntent => ({ ...intentOf(aModelSpec({ model_id: id, sources: [`file:/models/${id}.gguf`] }), 'api', 1), ...over });
const place = (nodeId: string, ids: readonly string[]): NodePlace => ({ nodeId, online: true, models: ids.map((id) => aNodeModel(id)), assignments: [], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null });
const idsOf = (items: readonly { readonly spec: { readonly model_id: string } }[]) => items.map(({ spec }) => spec.model_id);

test('A-161 B-27 pages follow each other in the order of ids, whatever is between them, and end', () => {
  const index = anIndex(['d', 'b', 'a', 'c', 'e'].map((id) => intent(id)));
  const first = index.page(ALL, { limit: 2, cursor: null });
  const second = index.page(ALL, { limit: 2, cursor: first.nextCursor });
  const last = index.page(ALL, { limit: 2, cursor: second.nextCursor });
  expect([first, second, last].map(({ items, nextCursor, total }) => [idsOf(items), nextCursor, total])).toEqual([[['a', 'b'], 'b', 5], [['c', 'd'], 'd', 5], [['e'], null, 5]]);
  expect(idsOf(index.page(ALL, { limit: 9, cursor: 'bb' }).items)).toEqual(['c', 'd', 'e']);
});

test('B-27 T-68 what nodes bring is in the list from their next report on, what was purged is not', () => {
  let places = [place('n1', ['x', 'purged'])];
  const index = anIndex([intent('a')], () => places);
  expect(idsOf(index.page(ALL, { limit: 9, cursor: null }).items)).toEqual(['a', 'x']);
  places = [place('n1', ['x', 'y'])];
  expect(idsOf(index.page(ALL, { limit: 9, cursor: null }).items)).toEqual(['a', 'x', 'y']);
  places = [place('n1', [])];
  expect(index.page(ALL, { limit: 9, cursor: null })).toMatchObject({ total: 1, nextCursor: null });
});

test('B-27 filters let through what has the state, the tag, the node or the text', () => {
  const index = anIndex([intent('a', { tags: ['small'] }), intent('b', { state: 'Retired' }), intent('c')], () => [place('n1', ['c', 'x'])]);
  const ask = (filter: Partial<ModelFilter>) => idsOf(index.page({ ...ALL, ...filter }, { limit: 9, cursor: null }).items);
  expect([ask({ state: 'Retired' }), ask({ tag: 'small' }), ask({ nodeId: 'n1' }), ask({ nodeId: 'n9' }), ask({ text: 'MODELS/b' }), ask({ text: 'mal' })]).toEqual([['b'], ['a'], ['c', 'x'], [], ['b'], ['a']]);
});
