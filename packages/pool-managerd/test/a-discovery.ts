import type { Device, DeviceDiscovery } from '@corral/engine';

const GIB = 1_073_741_824;

export function aGpu(over: Partial<Device> & Pick<Device, 'id'>): Device {
  const [kind, mask] = over.id.split(':') as [Device['kind'], string];
  return { kind, mask, name: `${kind} ${mask}`, memoryTotalBytes: 24 * GIB, memoryFreeBytes: 20 * GIB, software: false, unsupported: null, ...over };
}

/** What a machine with these GPUs, four cores and 16 GiB (8 of them free) answers. */
export function aDiscovery(...gpus: readonly Device[]): DeviceDiscovery {
  const cpu: Device = { kind: 'cpu', mask: '', id: 'cpu', name: 'A CPU', memoryTotalBytes: 16 * GIB, memoryFreeBytes: 8 * GIB, software: false, unsupported: null };
  return {
    devices: [...gpus, cpu],
    probes: [
      { kind: 'cuda', lookedFor: 'nvidia-smi', found: gpus.some((gpu) => gpu.kind === 'cuda'), detail: 'not found on PATH' },
      { kind: 'vulkan', lookedFor: 'a Vulkan driver', found: gpus.some((gpu) => gpu.kind === 'vulkan'), detail: 'no device' },
      { kind: 'cpu', lookedFor: 'a CPU', found: true, detail: 'A CPU' },
    ],
    cpu: { cores: 4, model: 'A CPU', memoryTotalBytes: 16 * GIB, memoryAvailableBytes: 8 * GIB },
  };
}
