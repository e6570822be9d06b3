import { expect, test } from '@jest/globals';
import { createdInstance } from '../instances/instance-changes.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import { planInstances } from './plan-instances.js';

const defined = (instanceId: string, over: object = {}) => createdInstance('default', { instance_id: instanceId, model: 'm', ...over }, 'manifest');
const stored = (instanceId: string, over: Partial<InstanceRecord> = {}): InstanceRecord => ({ ...defined(instanceId), generation: 0, heldTier: null, lastUsedAtMs: null, createdAtMs: 0, updatedAtMs: 0, deletedAtMs: null, ...over });
const key = (instanceId: string) => ({ orgId: 'default', instanceId });

test('B-154 what the manifest adds is made, what it changes is changed, what it drops goes', () => {
  const plan = planInstances([defined('new'), defined('same'), defined('other', { tier: 'warm' })], [stored('same'), stored('other'), stored('gone')]);
  expect(plan).toEqual({ create: [defined('new')], change: [defined('other', { tier: 'warm' })], remove: [key('gone')], taken: [] });
});

test('B-154 what calls made, and what the server keeps, is left alone', () => {
  const plan = planInstances([defined('mine')], [stored('mine', { origin: 'api', tier: 'hot' }), stored('theirs', { origin: 'api' }), stored('model.m', { kind: 'implicit', origin: 'server' })]);
  expect(plan).toEqual({ create: [], change: [], remove: [], taken: [key('mine')] });
});

test('B-154 a suspended instance stays suspended', () => {
  expect(planInstances([defined('a')], [stored('a', { status: 'suspended' })])).toEqual({ create: [], change: [], remove: [], taken: [] });
  expect(planInstances([defined('a', { tier: 'hot' })], [stored('a', { status: 'suspended' })]).change).toEqual([{ ...defined('a', { tier: 'hot' }), status: 'suspended' }]);
});
