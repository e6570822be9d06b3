import { expect, test } from '@jest/globals';
import type { PlacementOverrides } from '@corral/orchestrator-core';
import { aPoolStatus } from '../../test/node-fixtures.js';
import type { PoolView } from '../nodes/node-view.js';
import { poolChoice } from './pool-choice.js';

const view = (poolId: string, nodeId: string, device: string): PoolView => ({ poolId, nodeId, address: '', online: true, snapshotAgeMs: 0, status: aPoolStatus({ pool_id: poolId, node_id: nodeId, device, device_kind: device === 'cpu' ? 'cpu' : 'cuda' }) });
const pools = [view('p1', 'n1', 'cuda:0'), view('p2', 'n1', 'cuda:1'), view('p3', 'n2', 'cpu')];

test.each<[string, PlacementOverrides | null, string[] | null]>([
  ['A-43 nothing said: anywhere', null, null],
  ['A-40 a pin is one pool', { mode: 'pin', pinPoolId: 'p2' }, ['p2']],
  ['A-40 a pin to what is not there is nowhere', { mode: 'pin', pinPoolId: 'p9' }, []],
  ['A-41 preferred pools', { mode: 'prefer', preferPools: ['p3', 'p9'] }, ['p3']],
  ['A-41 where none of them is there, all', { mode: 'prefer', preferPools: ['p9'] }, ['p1', 'p2', 'p3']],
  ['A-41 or none without fallback', { mode: 'prefer', preferPools: ['p9'], allowFallback: false }, []],
  ['A-42 avoided pools never', { mode: 'prefer', preferPools: ['p1', 'p2'], avoidPools: ['p1'] }, ['p2']],
  ['A-44 one node', { nodeId: 'n1' }, ['p1', 'p2']],
  ['A-25 one device', { requireDeviceMask: '1' }, ['p2']],
])('%s', (_title, placement, expected) => {
  const choice = poolChoice(placement, pools);
  expect(choice === null ? null : [...choice]).toEqual(expected);
});
