import { expect, test } from '@jest/globals';
import { aReplica, resident, waiting } from '../../test/a-replica.js';
import { usesOfEngine } from './engine-uses.js';
import type { EngineUseSources } from './engine-uses.js';

const nobody: EngineUseSources = { replicas: () => [], leases: () => 0, idle: () => [], serving: () => [], trial: () => null };
const uses = (sources: Partial<EngineUseSources>, chosenFor: readonly ('cpu' | 'vulkan')[] = []) => usesOfEngine({ id: 'a', mode: 'package', chosenFor }, { ...nobody, ...sources });

test('D-75 a bundle is used by the devices it is chosen for or serves, its trial, replicas with a process, and idle workers', () => {
  expect(uses({})).toEqual([]);
  expect(uses({ serving: () => [{ kind: 'cpu', engineId: 'a' }] }, ['cpu'])).toEqual(['chosen for cpu']);
  expect(uses({ trial: () => ({ kind: 'cpu', id: 'a', forReplicas: false }) })).toEqual(['being taken up for cpu']);
  const replicas = [aReplica('r', resident, { engineId: 'a' }), aReplica('other', resident, { engineId: 'b' }), aReplica('none', waiting, { engineId: 'a' })];
  expect(uses({ replicas: () => replicas })).toEqual(['replica r']);
  expect(uses({ idle: () => [{ poolId: 'p1', engineId: 'a', workers: 2 }, { poolId: 'p2', engineId: 'a', workers: 0 }, { poolId: 'p3', engineId: 'b', workers: 1 }] })).toEqual(['2 idle workers of pool p1']);
});

test('D-84 a server is used by the requests that run there, and not by the replica before it', () => {
  const replicas = [aReplica('r', resident, { engineId: 'a' }), aReplica('other', resident, { engineId: 'b' })];
  const usedBy = (leases: Readonly<Record<string, number>>) => usesOfEngine({ id: 'a', mode: 'external', chosenFor: [] }, { ...nobody, replicas: () => replicas, leases: (id) => leases[id] ?? 0 });
  expect(usedBy({ other: 3 })).toEqual([]);
  expect(usedBy({ r: 1 })).toEqual([`1 request in pool ${replicas[0]?.poolId}`]);
  expect(usedBy({ r: 2 })).toEqual([`2 requests in pool ${replicas[0]?.poolId}`]);
});
