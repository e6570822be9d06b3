import type { Device, DeviceDiscovery } from '@corral/engine';
import { cpuShares } from './cpu-shares.js';
import type { CpuShare } from './cpu-shares.js';
import { describeSearch, deviceProblem } from './device-problem.js';
import type { DevicePermissions } from './device-problem.js';
import { memoryOf } from './pool-memory.js';
import type { PlannedPool, PoolChoice } from './planned-pool.js';

export interface PoolPlanInput {
  readonly nodeId: string;
  readonly discovery: DeviceDiscovery;
  readonly permissions: DevicePermissions;
  /** `null` = derived from the machine. */
  readonly cpu: { readonly memoryBytes: number | null; readonly threads: number | null; readonly replicas: number | null };
  /** `null` = one pool per device. */
  readonly choices: readonly PoolChoice[] | null;
}

/**
 * The pools of this node: the manifest's, and one for every other device that may be used.
 *
 * Never empty: where nothing can be used, one pool says what was looked for and which flag helps. A choice
 * that cannot be followed becomes a pool with a `problem`. [T-109 T-110]
 */
export function planPools(input: PoolPlanInput): readonly PlannedPool[] {
  const chosen = uniqueChoices(input.choices ?? []);
  const taken = new Set(chosen.map((choice) => choice.device));
  const rest = devicesByDefault(input)
    .filter((device) => !taken.has(device))
    .map((device): PoolChoice => ({ poolId: `${input.nodeId}-${device.replace(':', '-')}`, device, memoryBytes: null }));
  const all = uniqueChoices([...chosen, ...rest]);
  if (all.length === 0) return [nothingUsable(input)];
  const shares = sharesOf(all, input);
  return all.map((choice, n) => planOne(choice, all.slice(0, n), shares.get(choice.poolId), input));
}

function devicesByDefault({ discovery, permissions }: PoolPlanInput): readonly string[] {
  if (permissions.devices !== null) return permissions.devices;
  const found = discovery.devices.filter((device) => device.kind !== 'cpu' && deviceProblem(device.id, discovery, permissions) === null);
  if (found.length > 0) return found.map((device) => device.id);
  return permissions.allowCpu ? ['cpu'] : [];
}

function uniqueChoices(choices: readonly PoolChoice[]): readonly PoolChoice[] {
  return choices.filter((choice, n) => choices.findIndex((other) => other.poolId === choice.poolId) === n);
}

function sharesOf(choices: readonly PoolChoice[], { cpu, discovery }: PoolPlanInput): ReadonlyMap<string, CpuShare | null> {
  const onCpu = choices.filter((choice) => choice.device === 'cpu');
  const shares = cpuShares(onCpu.length, { cores: discovery.cpu.cores, threads: cpu.threads, replicas: cpu.replicas });
  return new Map(onCpu.map((choice, n) => [choice.poolId, shares[n] ?? null]));
}

function planOne(choice: PoolChoice, before: readonly PoolChoice[], share: CpuShare | null | undefined, input: PoolPlanInput): PlannedPool {
  const { discovery, permissions, cpu } = input;
  const device = discovery.devices.find((found) => found.id === choice.device);
  const memory = memoryOf(choice, { device, discovery, cpuMemoryBytes: cpu.memoryBytes, before });
  const problem = deviceProblem(choice.device, discovery, permissions) ?? (share === null ? tooManyCpuPools(discovery) : memory.problem);
  return {
    poolId: choice.poolId,
    device: choice.device,
    ...identityOf(device),
    memoryTotalBytes: problem === null ? memory.bytes : 0,
    replicasMax: share?.replicasMax ?? null,
    // On a device the engine computes there; one thread feeds it.
    threadsPerReplica: share?.threadsPerReplica ?? 1,
    problem,
  };
}

function identityOf(device: Device | undefined): Pick<PlannedPool, 'deviceKind' | 'deviceName' | 'deviceMask'> {
  return { deviceKind: device?.kind ?? null, deviceName: device?.name ?? null, deviceMask: device?.mask ?? '' };
}

function tooManyCpuPools({ cpu }: DeviceDiscovery): string {
  return `the ${cpu.cores} cores are divided among other cpu pools already; define fewer pools on the device cpu`;
}

/** The pools of a node that could not look for devices: they say so until it can. */
export function poolsWithoutSearch({ nodeId, choices }: Pick<PoolPlanInput, 'nodeId' | 'choices'>, reason: string): readonly PlannedPool[] {
  const problem = `the search for devices failed and is repeated: ${reason}`;
  return [...uniqueChoices(choices ?? []).map(({ poolId, device }) => unusable(poolId, device, problem)), ...(choices === null ? [unusable(`${nodeId}-none`, 'none', problem)] : [])];
}

function nothingUsable({ nodeId, discovery, permissions }: PoolPlanInput): PlannedPool {
  return unusable(`${nodeId}-none`, 'none', describeSearch(discovery, permissions));
}

function unusable(poolId: string, device: string, problem: string): PlannedPool {
  return {
    poolId,
    device,
    deviceKind: null,
    deviceName: null,
    deviceMask: '',
    memoryTotalBytes: 0,
    replicasMax: 0,
    threadsPerReplica: 1,
    problem,
  };
}
