import type { Device, DeviceDiscovery, Probe } from '../port.js';
import { hostCpu } from './host-cpu.js';
import { findNvidia } from './nvidia.js';
import { findVulkan, type VulkanPorts } from './vulkan.js';

/** Looks for every kind of device and says what was looked for, so that a refusal can name it. [C-32] */
export async function discoverDevices(vulkan: VulkanPorts, host: { readonly platform: string; readonly arch: string }, signal?: AbortSignal): Promise<DeviceDiscovery> {
  const [nvidia, vulkanFound, cpu] = await Promise.all([findNvidia({}, signal), findVulkan(vulkan), hostCpu()]);
  signal?.throwIfAborted();
  const metal = findMetal(host);
  const cpuDevice: Device = { kind: 'cpu', mask: '', id: 'cpu', name: cpu.model, memoryTotalBytes: cpu.memoryTotalBytes, memoryFreeBytes: cpu.memoryAvailableBytes, software: false, unsupported: null };
  return {
    devices: [...nvidia.devices, ...vulkanFound.devices, ...metal.devices, cpuDevice],
    probes: [...nvidia.probes, ...vulkanFound.probes, metal.probe, { kind: 'cpu', lookedFor: 'CPU', found: true, detail: `${cpu.cores} cores, ${cpu.model}` }],
    cpu,
  };
}

function findMetal({ platform, arch }: { readonly platform: string; readonly arch: string }): { readonly devices: readonly Device[]; readonly probe: Probe } {
  const found = platform === 'darwin' && arch === 'arm64';
  const device: Device = {
    kind: 'metal',
    mask: '0',
    id: 'metal:0',
    name: 'Apple GPU',
    memoryTotalBytes: null,
    memoryFreeBytes: null,
    software: false,
    unsupported: 'the Metal device is found but not used: the Metal engine has not been run; use a cpu pool',
  };
  return { devices: found ? [device] : [], probe: { kind: 'metal', lookedFor: 'macOS on Apple silicon', found, detail: `${platform} ${arch}` } };
}
