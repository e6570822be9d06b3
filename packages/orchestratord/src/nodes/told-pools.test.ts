import { describe, expect, test } from '@jest/globals';
import type { ServedPool } from '../manifest/served-manifest.js';
import { isLocalNode } from './local-node.js';
import { arePoolsAsTold, toldPools } from './told-pools.js';
import { aNodeState } from '../../test/node-fixtures.js';

const host = { machineId: 'machine-1', hostName: 'box' };
const node = (nodeId: string, address = 'http://10.0.0.1:9200', machineId: string | null = null) => ({ nodeId, address, machineId });
const pool = (poolId: string, nodeId: string): ServedPool => ({ poolId, nodeId, device: 'cpu', memoryBytes: 7, queueCapacity: null, fullPolicy: null, required: false });

describe('isLocalNode', () => {
  test.each([
    ['http://127.0.0.1:9200', null, true],
    ['http://localhost:9200', null, true],
    ['http://[::1]:9200', null, true],
    ['http://box:9200', null, true],
    ['http://10.0.0.1:9200', 'machine-1', true],
    ['http://10.0.0.1:9200', 'box', true],
    ['http://10.0.0.1:9200', 'machine-2', false],
    ['http://10.0.0.1:9200', null, false],
    ['not a url', null, false],
  ])('P-05 %s with machine %s: %s', (address, machineId, expected) => {
    expect(isLocalNode(node('n', address, machineId), host)).toBe(expected);
  });
});

describe('toldPools', () => {
  test('P-05 a node gets the pools that name it; without any it makes its own', () => {
    const pools = [pool('p1', 'n1'), pool('p2', 'n2'), pool('p3', 'n1')];
    expect(toldPools(node('n1'), pools, [], host)).toEqual([{ pool_id: 'p1', device: 'cpu', memory_bytes: 7 }, { pool_id: 'p3', device: 'cpu', memory_bytes: 7 }]);
    expect(toldPools(node('n9'), pools, [], host)).toBeNull();
  });

  test('P-05 local means a node on this host, and of several the first', () => {
    const pools = [pool('p1', 'local')];
    const local = (nodeId: string) => node(nodeId, 'http://127.0.0.1:9200');
    expect(toldPools(node('far'), pools, [], host)).toBeNull();
    expect(toldPools(local('a'), pools, [node('far')], host)?.map(({ pool_id }) => pool_id)).toEqual(['p1']);
    expect(toldPools(local('b'), pools, [node('far'), local('a')], host)).toBeNull();
  });

  test('P-14 pools are as told when every one is there; more do no harm', () => {
    const state = aNodeState();
    const told = (pool_id: string) => [{ pool_id, device: 'cpu', memory_bytes: null }];
    expect([arePoolsAsTold(null, state), arePoolsAsTold(told('n1-cpu'), state), arePoolsAsTold(told('p1'), state)]).toEqual([true, true, false]);
  });
});
