import type { Device, DeviceDiscovery } from '@corral/engine';
import type { PoolChoice } from './planned-pool.js';

interface MemoryInput {
  readonly device: Device | undefined;
  readonly discovery: DeviceDiscovery;
  /** Configured budget of a cpu pool; `null` = half of the free RAM. */
  readonly cpuMemoryBytes: number | null;
  /** Pools that are planned already; they share the device where it is the same. */
  readonly before: readonly PoolChoice[];
}

/**
 * Memory in bytes that a pool may use, or why it cannot have what was asked for.
 *
 * A GPU gives what was free when the node looked: what other programs hold is not ours to promise.
 */
export function memoryOf(choice: PoolChoice, input: MemoryInput): { readonly bytes: number; readonly problem: string | null } {
  const { device, discovery } = input;
  const totalBytes = device?.kind === 'cpu' ? discovery.cpu.memoryTotalBytes : (device?.memoryTotalBytes ?? null);
  const bytes = choice.memoryBytes ?? defaultBytes(input);
  if (bytes === null) return { bytes: 0, problem: `the memory of ${choice.device} is unknown; give the pool a memory in the manifest` };
  const promised = input.before.reduce((sum, other) => sum + (other.device === choice.device ? (other.memoryBytes ?? 0) : 0), 0);
  if (totalBytes !== null && promised + bytes > totalBytes) {
    const others = promised > 0 ? ` beside ${promised} bytes of other pools` : '';
    return { bytes: 0, problem: `the pool asks for ${bytes} bytes${others} and ${choice.device} has ${totalBytes}; give it less memory in the manifest` };
  }
  return { bytes, problem: null };
}

function defaultBytes({ device, discovery, cpuMemoryBytes }: MemoryInput): number | null {
  if (device?.kind === 'cpu') return cpuMemoryBytes ?? Math.floor(discovery.cpu.memoryAvailableBytes / 2);
  return device?.memoryFreeBytes ?? device?.memoryTotalBytes ?? null;
}
