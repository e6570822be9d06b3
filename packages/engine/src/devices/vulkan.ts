import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../child/child-env.js';
import type { SeenDevice } from '../llamacpp/probe.js';
import { messageOf } from '../message-of.js';
import type { Device, Probe } from '../port.js';

const DRIVER_DIRS = ['/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/usr/share/vulkan/icd.d'];
const SOFTWARE = /llvmpipe|lavapipe|swiftshader/i;
const DEVICES_MAX = 16;

export interface VulkanPorts {
  readonly env: Environment;
  /** Devices that the engine sees under a mask; rejects when the mask names none. */
  readonly look: (mask: string) => Promise<readonly SeenDevice[]>;
  readonly list?: (dir: string) => Promise<readonly string[]>;
}

/**
 * Looks for Vulkan devices, one index after the other, each in its own process: the engine leaves CPU
 * devices out unless they are named, and its order without a mask is not that of the masks.
 */
export async function findVulkan(ports: VulkanPorts): Promise<{ readonly devices: readonly Device[]; readonly probes: readonly Probe[] }> {
  const drivers = await installedDrivers(ports);
  const driverProbe: Probe = { kind: 'vulkan', lookedFor: 'Vulkan drivers (icd.d)', found: drivers.length > 0, detail: drivers.length > 0 ? drivers.join(', ') : `none in ${DRIVER_DIRS.join(', ')}` };
  if (drivers.length === 0) return { devices: [], probes: [driverProbe] };

  const devices: Device[] = [];
  let detail = '';
  while (devices.length < DEVICES_MAX) {
    const mask = String(devices.length);
    try {
      const [seen] = await ports.look(mask);
      if (seen === undefined) break;
      devices.push(toDevice(mask, seen));
    } catch (error) {
      detail = messageOf(error);
      break;
    }
  }
  return { devices, probes: [driverProbe, { kind: 'vulkan', lookedFor: 'Vulkan devices', found: devices.length > 0, detail: devices.length > 0 ? devices.map(({ name }) => name).join(', ') : detail }] };
}

async function installedDrivers({ env, list = (dir) => readdir(dir).catch(() => []) }: VulkanPorts): Promise<readonly string[]> {
  const named = env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'];
  if (named !== undefined && named !== '') return named.split(':');
  const found = await Promise.all(DRIVER_DIRS.map(async (dir) => (await list(dir)).filter((name) => name.endsWith('.json')).map((name) => join(dir, name))));
  return found.flat();
}

function toDevice(mask: string, { name, memoryTotalBytes, memoryFreeBytes }: SeenDevice): Device {
  return { kind: 'vulkan', mask, id: `vulkan:${mask}`, name, memoryTotalBytes, memoryFreeBytes, software: SOFTWARE.test(name), unsupported: null };
}
