import { readdir } from 'node:fs/promises';
import type { Device, Probe } from '../port.js';
import { runTool, type RunTool } from './run-tool.js';

const UNSUPPORTED = 'CUDA devices are found but not used: the CUDA engine has not been run; use a vulkan or cpu pool';
const MIB = 1_024 * 1_024;

/** Looks for NVIDIA devices in the ways that need no library. [C-32] */
export async function findNvidia(ports: { readonly run?: RunTool; readonly listDev?: () => Promise<readonly string[]> } = {}, signal?: AbortSignal): Promise<{ readonly devices: readonly Device[]; readonly probes: readonly Probe[] }> {
  const { run = runTool, listDev = () => readdir('/dev').catch(() => []) } = ports;
  const nodes = (await listDev()).filter((name) => /^nvidia\d+$/.test(name));
  const smi = await run('nvidia-smi', ['--query-gpu=index,name,memory.total,memory.free', '--format=csv,noheader,nounits'], signal);
  const devices = smi.ok ? parseNvidiaSmi(smi.stdout) : [];
  return {
    devices,
    probes: [
      { kind: 'cuda', lookedFor: '/dev/nvidia*', found: nodes.length > 0, detail: nodes.length > 0 ? nodes.join(', ') : 'no device node' },
      { kind: 'cuda', lookedFor: 'nvidia-smi', found: devices.length > 0, detail: smi.ok ? `${devices.length} devices` : smi.reason },
    ],
  };
}

/** Lines of `index, name, total MiB, free MiB`; what is no such line is left out. */
export function parseNvidiaSmi(text: string): readonly Device[] {
  return text.split('\n').flatMap((line): Device[] => {
    const [index, name, total, free] = line.split(',').map((field) => field.trim());
    if (index === undefined || name === undefined || !/^\d+$/.test(index)) return [];
    return [
      {
        kind: 'cuda',
        mask: index,
        id: `cuda:${index}`,
        name,
        memoryTotalBytes: bytesOf(total),
        memoryFreeBytes: bytesOf(free),
        software: false,
        unsupported: UNSUPPORTED,
      },
    ];
  });
}

function bytesOf(mib: string | undefined): number | null {
  return mib !== undefined && /^\d+$/.test(mib) ? Number(mib) * MIB : null;
}
