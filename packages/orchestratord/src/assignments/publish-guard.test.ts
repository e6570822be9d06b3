import { expect, test } from '@jest/globals';
import { anAssignment } from '../../test/fixtures.js';
import type { Order } from './lifecycle-orders.js';
import { PublishGuard, type Before } from './publish-guard.js';
import type { Published } from './publish-waiters.js';
import { takeBackChanges } from './take-back.js';

const key = { orgId: 'default', instanceId: 'bot' };
const order = (seq: number): Order => ({ key, what: { kind: 'unload' }, correlationId: `c${seq}`, seq });
const written = (generation: number) => anAssignment({ instance_id: 'bot', generation, wanted: 'on_disk' });
const before = (generation: number): Before => ({ key, assignment: anAssignment({ instance_id: 'bot', generation }), heldTier: 'hot' });
const settle = () => new Promise((resolve) => setImmediate(resolve));

function aGuard() {
  const answers = new Map<number, (outcome: Published) => void>();
  const settled: (number | null)[] = [];
  const guard = new PublishGuard((id) => new Promise((resolve) => answers.set(id, resolve)), (one) => void settled.push(one?.seq ?? null));
  return { guard, settled, answer: (id: number, outcome: Published) => (answers.get(id)?.(outcome), settle()) };
}

test('E-08 a call is done when every command of it is out; until then its instance is open', async () => {
  const { guard, settled, answer } = aGuard();
  guard.watch(order(1), [{ assignment: written(2), heldTier: null, commandIds: [1, 2] }], [before(1)]);
  await answer(1, 'confirmed');
  expect([settled, guard.isOpen('default/bot')]).toEqual([[], true]);
  await answer(2, 'pending');
  expect([settled, guard.isOpen('default/bot'), guard.unpublished()]).toEqual([[1], false, []]);
});

test('E-08 of two calls that were not confirmed both go back to what was before the first, and only where nothing came after', async () => {
  const { guard, settled, answer } = aGuard();
  guard.watch(order(1), [{ assignment: written(2), heldTier: null, commandIds: [1] }], [before(1)]);
  guard.watch(order(2), [{ assignment: written(3), heldTier: null, commandIds: [2] }], [before(2)]);
  await answer(1, 'unavailable');
  await answer(2, 'unavailable');
  const [first, second] = guard.unpublished();
  if (first === undefined || second === undefined) throw new Error('both must be there');
  const back = (one: typeof first) => takeBackChanges(one.written, () => written(3)).changes.map(({ wanted, heldTier }) => [wanted, heldTier]);
  expect([settled, back(first), back(second)]).toEqual([[null, null], [], [['resident', 'hot']]]);
  guard.close(first);
  guard.close(second);
  expect([guard.unpublished(), guard.isOpen('default/bot')]).toEqual([[], false]);
});

test('E-08 where the first was confirmed, the second goes back to it', async () => {
  const { guard, answer } = aGuard();
  guard.watch(order(1), [{ assignment: written(2), heldTier: null, commandIds: [1] }], [before(1)]);
  guard.watch(order(2), [{ assignment: anAssignment({ instance_id: 'bot', generation: 3 }), heldTier: 'cold', commandIds: [2] }], [before(2)]);
  await answer(1, 'confirmed');
  await answer(2, 'unavailable');
  const [one] = guard.unpublished();
  expect(takeBackChanges(one?.written ?? [], () => written(3)).changes.map(({ wanted, heldTier }) => [wanted, heldTier])).toEqual([['on_disk', null]]);
});

test('E-08 what was wanted nowhere is wanted nowhere again', () => {
  expect(takeBackChanges([{ generation: 1, before: { key, assignment: undefined, heldTier: null } }], () => written(1))).toEqual({ changes: [], released: [key] });
});
