import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { HostCpu } from '../port.js';

/** Reads a small text file; `null` when it is not there. */
export type ReadText = (path: string) => Promise<string | null>;

const readText: ReadText = async (path) => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
};

const CGROUP_ROOT = '/sys/fs/cgroup';

/** What this process may use of the machine: the limits of every control group above it count. */
export async function hostCpu(read: ReadText = readText): Promise<HostCpu> {
  const groups = await controlGroups(read);
  const memAvailable = /^MemAvailable:\s+(\d+) kB/m.exec((await read('/proc/meminfo')) ?? '')?.[1];
  const machineAvailable = memAvailable === undefined ? freemem() : Number(memAvailable) * 1_024;
  const coreLimits = await Promise.all(groups.map((group) => coresOf(group, read)));
  const memoryLimits = (await Promise.all(groups.map((group) => memoryOf(group, read)))).filter((limit) => limit !== null);
  return {
    cores: Math.max(1, Math.floor(Math.min(availableParallelism(), ...coreLimits))),
    model: cpus()[0]?.model.trim() ?? 'CPU',
    memoryTotalBytes: Math.min(totalmem(), ...memoryLimits.map(({ maxBytes }) => maxBytes)),
    memoryAvailableBytes: Math.max(0, Math.min(machineAvailable, ...memoryLimits.map(({ maxBytes, usedBytes }) => maxBytes - usedBytes))),
  };
}

/** Directories of this process's control group and of those above it, for version 2 or for the two controllers of version 1. */
async function controlGroups(read: ReadText): Promise<readonly string[]> {
  const lines = ((await read('/proc/self/cgroup')) ?? '').split('\n');
  const groups = new Set<string>();
  for (const line of lines) {
    const [, controllers, path] = line.split(':');
    if (controllers === undefined || path === undefined) continue;
    const roots = controllers === '' ? [CGROUP_ROOT] : controllers.split(',').filter((name) => name === 'cpu' || name === 'memory').map((name) => join(CGROUP_ROOT, name));
    for (const root of roots) for (let at = join(root, path); at.startsWith(root); at = dirname(at)) groups.add(at);
  }
  return [...groups];
}

async function coresOf(group: string, read: ReadText): Promise<number> {
  const [quota, period] = ((await read(join(group, 'cpu.max'))) ?? '').split(' ').map(Number);
  if (isLimit(quota) && isLimit(period)) return quota / period;
  const [quotaUs, periodUs] = [Number(await read(join(group, 'cpu.cfs_quota_us'))), Number(await read(join(group, 'cpu.cfs_period_us')))];
  return isLimit(quotaUs) && isLimit(periodUs) ? quotaUs / periodUs : Infinity;
}

async function memoryOf(group: string, read: ReadText): Promise<{ readonly maxBytes: number; readonly usedBytes: number } | null> {
  const first = async (...names: string[]): Promise<number> => Number((await Promise.all(names.map((name) => read(join(group, name))))).find((text) => text !== null));
  const maxBytes = await first('memory.max', 'memory.limit_in_bytes');
  const usedBytes = await first('memory.current', 'memory.usage_in_bytes');
  if (!isLimit(maxBytes) || !Number.isFinite(usedBytes)) return null;
  const reclaimable = Number(/^(?:total_)?inactive_file (\d+)/m.exec((await read(join(group, 'memory.stat'))) ?? '')?.[1] ?? 0);
  return { maxBytes, usedBytes: Math.max(0, usedBytes - reclaimable) };
}

const isLimit = (value: number | undefined): value is number => value !== undefined && Number.isFinite(value) && value > 0;
