import { expect, test } from '@jest/globals';
import { LifecycleOrders, type OrderKind } from './lifecycle-orders.js';

const A = { orgId: 'o', instanceId: 'a' };
const B = { orgId: 'o', instanceId: 'b' };
const load: OrderKind = { kind: 'load', tier: 'hot', source: 'api_load' };
const unload: OrderKind = { kind: 'unload' };

test('E-10 C-66 equal calls that follow each other are one order, others keep their order, one of each instance at a time', async () => {
  const orders = new LifecycleOrders();
  const answers = [orders.add(A, load, 'c1'), orders.add(A, load, 'c2'), orders.add(A, unload, 'c3'), orders.add(B, load, 'c4'), orders.add(A, load, 'c5')];
  const first = orders.take();
  expect(first.map(({ key, what, correlationId }) => [key.instanceId, what.kind, correlationId])).toEqual([['a', 'load', 'c1'], ['b', 'load', 'c4']]);
  for (const order of first) orders.done(order);
  await Promise.all([answers[0], answers[1], answers[3]]);
  const [second] = orders.take();
  const [third] = orders.take();
  expect([second?.what.kind, third?.what.kind, orders.take()]).toEqual(['unload', 'load', []]);
  if (second !== undefined) orders.refuse(second, new Error('no'));
  await expect(answers[2]).rejects.toThrow('no');
  orders.close();
  await expect(answers[4]).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
});

test('C-206 more calls than may wait are refused, and so are those that come after the end', async () => {
  const orders = new LifecycleOrders(2);
  const waiting = [orders.add(A, load, ''), orders.add(A, load, '')];
  await expect(orders.add(B, load, '')).rejects.toMatchObject({ code: 'ADMISSION_REJECT' });
  orders.close();
  for (const answer of waiting) await expect(answer).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  await expect(orders.add(B, load, '')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
});
