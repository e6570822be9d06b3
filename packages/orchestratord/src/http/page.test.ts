import { expect, test } from '@jest/globals';
import type { Request } from 'express';
import { filterOf, knownQuery, pageIn, pageOf } from './page.js';

const asked = (query: object): Request => ({ query }) as unknown as Request;
const id = (text: string): string => text;

test('B-130 a list is read page by page, also when what a page ended with is gone', () => {
  const list = ['a', 'b', 'c', 'd'];
  expect(pageIn(list, id, { limit: 2, cursor: null })).toEqual({ items: ['a', 'b'], nextCursor: 'b' });
  expect(pageIn(['a', 'c', 'd'], id, { limit: 2, cursor: 'b' })).toEqual({ items: ['c', 'd'], nextCursor: null });
  expect(pageIn(list, id, { limit: 4, cursor: null })).toEqual({ items: list, nextCursor: null });
  expect(pageIn(list, id, { limit: 4, cursor: 'd' })).toEqual({ items: [], nextCursor: null });
});

test('B-130 limit and cursor have their bounds, and what a list does not know is refused by name', () => {
  expect([pageOf(asked({})), pageOf(asked({ limit: '1000', cursor: 'x' }))]).toEqual([{ limit: 100, cursor: null }, { limit: 1_000, cursor: 'x' }]);
  for (const limit of ['0', '1001', '-1', '1.5', 'many', '', ['1', '2']]) expect(() => pageOf(asked({ limit }))).toThrow('limit must be a number from 1 to 1000');
  for (const cursor of ['', ['a'], 'x'.repeat(513)]) expect(() => pageOf(asked({ cursor }))).toThrow('cursor is not one that this list gave');
  expect([filterOf(asked({}), 'org_id'), filterOf(asked({ org_id: 'acme' }), 'org_id')]).toEqual([null, 'acme']);
  expect(() => filterOf(asked({ org_id: ['a', 'b'] }), 'org_id')).toThrow('org_id must be given once');
  expect(() => knownQuery(asked({ org: 'a' }), ['org_id', 'limit'])).toThrow('there is no parameter org; use org_id, limit');
});
