import { describe, expect, test } from '@jest/globals';
import { aDiscovery, aGpu } from '../../test/a-discovery.js';
import { planPools } from './plan-pools.js';
import type { PoolPlanInput } from './plan-pools.js';

const GIB = 1_073_741_824;
const HOME = { devices: null, allowCpu: false, cpuCanBeAllowed: true };
const noBudget = { memoryBytes: null, threads: null, replicas: null };
const plan = (over: Partial<PoolPlanInput>) => planPools({ nodeId: 'n1', discovery: aDiscovery(), permissions: HOME, cpu: noBudget, choices: null, ...over });
const problems = (over: Partial<PoolPlanInput>) => plan(over).map(({ poolId, problem }) => ({ poolId, problem }));

describe('planPools', () => {
  test('T-109 G-26 without a GPU and without permission one pool names what was looked for and the flag', () => {
    expect(plan({})).toEqual([
      {
        poolId: 'n1-none',
        device: 'none',
        deviceKind: null,
        deviceName: null,
        deviceMask: '',
        memoryTotalBytes: 0,
        replicasMax: 0,
        threadsPerReplica: 1,
        problem:
          'no GPU can be used; looked for: nvidia-smi (not found on PATH); a Vulkan driver (no device); to serve from the CPU start with --allow-cpu or set ALLOW_CPU_POOLS=true',
      },
    ]);
  });

  test('G-25 the cpu is a pool of its own where it is allowed: half of the free memory, all but one core shared by two replicas', () => {
    expect(plan({ permissions: { ...HOME, allowCpu: true } })).toEqual([
      {
        poolId: 'n1-cpu',
        device: 'cpu',
        deviceKind: 'cpu',
        deviceName: 'A CPU',
        deviceMask: '',
        memoryTotalBytes: 4 * GIB,
        replicasMax: 2,
        threadsPerReplica: 1,
        problem: null,
      },
    ]);
  });

  test('G-25 a GPU is used and the cpu is not, even where it is allowed', () => {
    expect(plan({ discovery: aDiscovery(aGpu({ id: 'cuda:0' }), aGpu({ id: 'cuda:1' })), permissions: { ...HOME, allowCpu: true } })).toEqual(
      ['0', '1'].map((n) => ({
        poolId: `n1-cuda-${n}`,
        device: `cuda:${n}`,
        deviceKind: 'cuda',
        deviceName: `cuda ${n}`,
        deviceMask: n,
        memoryTotalBytes: 20 * GIB,
        replicasMax: null,
        threadsPerReplica: 1,
        problem: null,
      })),
    );
  });

  test('T-110 C-24 a device that does not exist is named', () => {
    expect(problems({ discovery: aDiscovery(aGpu({ id: 'cuda:0' })), permissions: { ...HOME, devices: ['cuda:0', 'cuda:7'] } })).toEqual([
      { poolId: 'n1-cuda-0', problem: null },
      { poolId: 'n1-cuda-7', problem: 'device cuda:7 does not exist; found: cuda:0; correct POOL_DEVICES' },
    ]);
  });

  test('G-25 naming the cpu does not allow it', () => {
    expect(problems({ permissions: { ...HOME, devices: ['cpu'] } })).toEqual([
      { poolId: 'n1-cpu', problem: 'a cpu pool needs permission; start with --allow-cpu or set ALLOW_CPU_POOLS=true' },
    ]);
  });

  test('C-24 a software Vulkan device is used only where POOL_DEVICES names it', () => {
    const discovery = aDiscovery(aGpu({ id: 'vulkan:0', software: true }));
    expect(problems({ discovery, permissions: { ...HOME, devices: ['vulkan:0'] } })).toEqual([{ poolId: 'n1-vulkan-0', problem: null }]);
    expect(problems({ discovery })[0]?.problem).toContain('device vulkan:0 is a software renderer; name it in POOL_DEVICES');
  });

  test('C-24 a device that the engine has no code for says so where it is named', () => {
    const discovery = aDiscovery(aGpu({ id: 'metal:0', unsupported: 'metal was never run; use another device' }));
    expect(problems({ discovery, permissions: { ...HOME, devices: ['metal:0'] } })).toEqual([{ poolId: 'n1-metal-0', problem: 'metal was never run; use another device' }]);
  });

  test('P-12 pools of the manifest replace the default pool of their device and of no other', () => {
    const discovery = aDiscovery(aGpu({ id: 'cuda:0' }), aGpu({ id: 'cuda:1' }));
    const choices = [{ poolId: 'p1', device: 'cuda:0', memoryBytes: 8 * GIB }, { poolId: 'p2', device: 'cuda:0', memoryBytes: 4 * GIB }];
    expect(plan({ discovery, choices }).map(({ poolId, device, memoryTotalBytes, problem }) => ({ poolId, device, memoryTotalBytes, problem }))).toEqual([
      { poolId: 'p1', device: 'cuda:0', memoryTotalBytes: 8 * GIB, problem: null },
      { poolId: 'p2', device: 'cuda:0', memoryTotalBytes: 4 * GIB, problem: null },
      { poolId: 'n1-cuda-1', device: 'cuda:1', memoryTotalBytes: 20 * GIB, problem: null },
    ]);
  });

  test('T-110 a pool of the manifest on a device that is not there says so, and nothing else is offered instead', () => {
    expect(problems({ choices: [{ poolId: 'p1', device: 'cuda:3', memoryBytes: null }] })).toEqual([
      { poolId: 'p1', problem: "device cuda:3 does not exist; found: no GPU; correct the pool's device in the manifest" },
    ]);
  });

  test('C-14 a pool larger than its device, alone or beside others, is refused with the numbers', () => {
    const permissions = { ...HOME, allowCpu: true };
    const choices = [{ poolId: 'p1', device: 'cpu', memoryBytes: 10 * GIB }, { poolId: 'p2', device: 'cpu', memoryBytes: 7 * GIB }];
    expect(problems({ permissions, choices })).toEqual([
      { poolId: 'p1', problem: null },
      { poolId: 'p2', problem: `the pool asks for ${7 * GIB} bytes beside ${10 * GIB} bytes of other pools and cpu has ${16 * GIB}; give it less memory in the manifest` },
    ]);
  });

  test('C-141 cpu pools share the cores; one that none is left for says so', () => {
    const permissions = { ...HOME, allowCpu: true };
    const choices = ['a', 'b', 'c', 'd', 'e'].map((poolId) => ({ poolId, device: 'cpu', memoryBytes: GIB }));
    const pools = plan({ permissions, choices });
    expect(pools.map(({ replicasMax, threadsPerReplica, problem }) => [replicasMax, threadsPerReplica, problem])).toEqual([
      ...Array.from({ length: 4 }, () => [1, 1, null]),
      [null, 1, 'the 4 cores are divided among other cpu pools already; define fewer pools on the device cpu'],
    ]);
  });
});
