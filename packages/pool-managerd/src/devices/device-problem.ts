import type { DeviceDiscovery } from '@corral/engine';

/** What configuration lets this node use. */
export interface DevicePermissions {
  /** Names from POOL_DEVICES, canonical where they have that form; `null` = all that were found. */
  readonly devices: readonly string[] | null;
  readonly allowCpu: boolean;
  /** False in the cloud profile, where a cpu pool is refused at start. */
  readonly cpuCanBeAllowed: boolean;
}

/** Why a pool on this device cannot serve, with the next step; `null` when it can. [C-24 G-25] */
export function deviceProblem(name: string, discovery: DeviceDiscovery, permissions: DevicePermissions): string | null {
  if (name === 'cpu' && !permissions.allowCpu) return `a cpu pool needs permission; ${cpuAdvice(permissions)}`;
  const device = discovery.devices.find((found) => found.id === name);
  if (device === undefined) return `device ${name} does not exist; found: ${foundNames(discovery)}; ${advice(name, permissions)}`;
  const isNamed = permissions.devices?.includes(name) ?? false;
  if (permissions.devices !== null && !isNamed) return `device ${name} is not in POOL_DEVICES=${permissions.devices.join(',')}; add it there, or take the pool out of the manifest`;
  if (device.software && !isNamed) return `device ${name} is a software renderer; name it in POOL_DEVICES to use it all the same`;
  return device.unsupported;
}

/** What was looked for, what was seen, and what to do: the diagnostic of a node without a usable device. [C-32 T-109] */
export function describeSearch(discovery: DeviceDiscovery, permissions: DevicePermissions): string {
  const looked = discovery.probes.filter((probe) => probe.kind !== 'cpu').map((probe) => `${probe.lookedFor} (${probe.detail})`);
  const refused = discovery.devices
    .filter((device) => device.kind !== 'cpu')
    .flatMap((device) => deviceProblem(device.id, discovery, permissions) ?? []);
  return [`no GPU can be used; looked for: ${looked.join('; ') || 'nothing'}`, ...refused, `to serve from the CPU ${cpuAdvice(permissions)}`].join('; ');
}

function cpuAdvice({ cpuCanBeAllowed }: DevicePermissions): string {
  return cpuCanBeAllowed ? 'start with --allow-cpu or set ALLOW_CPU_POOLS=true' : 'use CORRAL_PROFILE=home: the cloud profile refuses cpu pools';
}

function advice(name: string, { devices }: DevicePermissions): string {
  return devices?.includes(name) === true ? 'correct POOL_DEVICES' : "correct the pool's device in the manifest";
}

function foundNames(discovery: DeviceDiscovery): string {
  const names = discovery.devices.filter((device) => device.kind !== 'cpu').map((device) => device.id);
  return names.length > 0 ? names.join(', ') : 'no GPU';
}
