import { readFile } from 'node:fs/promises';
import { cpus, hostname, totalmem } from 'node:os';
import type { RegisterRequest } from '@corral/contracts';
import type { DeviceDiscovery } from '@corral/engine';

const LONGEST_ID = 100;

/** An id from the host name: what ids may not hold becomes a dash. */
export function nodeIdFromHost(name = hostname()): string {
  const id = name.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, LONGEST_ID);
  return id === '' ? 'node' : id;
}

/** Names the machine whatever its nodes are called; the host name where the system has no id of its own. */
export async function machineId(): Promise<string> {
  const text = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return text.trim() || hostname() || 'unknown';
}

/** What registration says of the machine. [P-12] */
export function capabilitiesOf(discovery: DeviceDiscovery | null): RegisterRequest['capabilities'] {
  const gpus = (discovery?.devices ?? []).filter((device) => device.kind !== 'cpu');
  return {
    gpus: gpus.map(({ id, name, memoryTotalBytes }) => ({ device_id: id, name, vram_total_bytes: memoryTotalBytes ?? 0 })),
    cpu_cores: discovery?.cpu.cores ?? cpus().length,
    ram_total_bytes: discovery?.cpu.memoryTotalBytes ?? totalmem(),
  };
}
