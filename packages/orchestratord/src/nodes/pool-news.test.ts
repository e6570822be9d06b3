import { expect, test } from '@jest/globals';
import { PoolNews } from './pool-news.js';

const pool = (memoryBytes: number) => [{ pool_id: 'p1', device: 'cpu', memory_bytes: memoryBytes }];

test('F-18 a node is told pools that changed, a few answers in a row since one may be lost, and then no more', () => {
  const news = new PoolNews();
  news.registered('n1', pool(1));
  const told = (pools: ReturnType<typeof pool> | null) => [1, 2, 3, 4].map(() => news.isToTell('n1', pools));
  expect(told(pool(1))).toEqual([false, false, false, false]);
  expect(told(pool(2))).toEqual([true, true, true, false]);
  expect(told(null)).toEqual([true, true, true, false]);
  news.forget('n1');
  expect(news.isToTell('n1', null)).toBe(true);
});
