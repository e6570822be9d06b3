import { expect, test } from '@jest/globals';
import { anInstance } from '../../test/fixtures.js';
import { InstanceUses } from './instance-uses.js';

const A = { orgId: 'default', instanceId: 'a' };

test('C-65 it is used while requests of it run, and was last used when they ended', () => {
  const uses = new InstanceUses();
  uses.observe([A], 1_000);
  expect([uses.isActive('default/a'), uses.lastMs('default/a', 5_000)]).toEqual([true, 5_000]);
  uses.observe([], 6_000);
  expect([uses.isActive('default/a'), uses.lastMs('default/a', 9_000)]).toEqual([false, 6_000]);
});

test('C-65 one that nobody knows counts as used when it is first asked about', () => {
  const uses = new InstanceUses();
  expect([uses.lastMs('default/a', 3_000), uses.lastMs('default/a', 4_000)]).toEqual([3_000, 3_000]);
});

test('C-65 uses are written down seldom, as Unix milliseconds, and are known again after a restart', () => {
  const uses = new InstanceUses();
  uses.observe([A], 1_000);
  uses.observe([], 2_000);
  const written = uses.due(2_000, 1_002_000);
  expect(written).toEqual([{ ...A, lastUsedAtMs: 1_002_000 }]);
  uses.touch(A, 3_000);
  expect([uses.due(31_000, 1_031_000), uses.due(32_000, 1_032_000)]).toEqual([[], [{ ...A, lastUsedAtMs: 1_003_000 }]]);
  const after = new InstanceUses();
  after.restore([{ ...anInstance({ instanceId: 'a' }), generation: 1, heldTier: null, lastUsedAtMs: 1_003_000, createdAtMs: 0, updatedAtMs: 0, deletedAtMs: null }], 50 - 1_010_000);
  expect(after.lastMs('default/a', 50)).toBe(-6_950);
});
