import { describe, expect, test } from '@jest/globals';
import { discoverDevices } from './discover.js';
import { findNvidia, parseNvidiaSmi } from './nvidia.js';
import { runTool } from './run-tool.js';
import { findVulkan } from './vulkan.js';

describe('devices', () => {
  test('C-32 T-109 without NVIDIA tools the diagnostic names what was looked for', async () => {
    const found = await findNvidia({ run: () => Promise.resolve({ ok: false, reason: 'nvidia-smi not found' }), listDev: () => Promise.resolve(['null']) });
    expect(found).toEqual({
      devices: [],
      probes: [
        { kind: 'cuda', lookedFor: '/dev/nvidia*', found: false, detail: 'no device node' },
        { kind: 'cuda', lookedFor: 'nvidia-smi', found: false, detail: 'nvidia-smi not found' },
      ],
    });
  });

  test('C-32 NVIDIA devices are reported, with the reason why they are not used', () => {
    expect(parseNvidiaSmi('0, NVIDIA H100, 81559, 80000\nnoise\n1, NVIDIA T4, [N/A], 1\n').map(({ id, mask, memoryTotalBytes, unsupported }) => [id, mask, memoryTotalBytes, unsupported !== null])).toEqual([
      ['cuda:0', '0', 81_559 * 1_024 * 1_024, true],
      ['cuda:1', '1', null, true],
    ]);
  });

  test('C-135 Vulkan devices are asked for one index after the other; a CPU in disguise is known', async () => {
    const names: Record<string, string> = { 0: 'llvmpipe (LLVM 15.0.6, 256 bits)', 1: 'AMD Radeon' };
    const found = await findVulkan({
      env: { VK_ICD_FILENAMES: '/x/lvp.json' },
      look: (mask) => (names[mask] === undefined ? Promise.reject(new Error('no device 2')) : Promise.resolve([{ name: names[mask], memoryTotalBytes: 2, memoryFreeBytes: 1 }])),
    });
    expect(found.devices.map(({ id, name, software, unsupported }) => [id, name, software, unsupported])).toEqual([
      ['vulkan:0', names[0], true, null],
      ['vulkan:1', names[1], false, null],
    ]);
    expect(found.probes.map((probe) => [probe.lookedFor, probe.found])).toEqual([['Vulkan drivers (icd.d)', true], ['Vulkan devices', true]]);
  });

  test('C-135 without a Vulkan driver no process is started', async () => {
    const found = await findVulkan({ env: {}, list: () => Promise.resolve(['readme.txt']), look: () => Promise.reject(new Error('must not be asked')) });
    expect([found.devices, found.probes.map((probe) => probe.found)]).toEqual([[], [false]]);
  });

  test('C-32 a driver that fails is a diagnostic', async () => {
    const found = await findVulkan({ env: { VK_DRIVER_FILES: '/x' }, look: () => Promise.reject(new Error('the engine has no binary that works')) });
    expect(found.probes[1]).toEqual({ kind: 'vulkan', lookedFor: 'Vulkan devices', found: false, detail: 'the engine has no binary that works' });
  });

  test('G-25 the CPU is always there, as a device of its own and the last', async () => {
    const { devices, probes, cpu } = await discoverDevices({ env: {}, list: () => Promise.resolve([]), look: () => Promise.resolve([]) }, { platform: 'darwin', arch: 'arm64' });
    expect(devices.at(-1)).toEqual({ kind: 'cpu', mask: '', id: 'cpu', name: cpu.model, memoryTotalBytes: cpu.memoryTotalBytes, memoryFreeBytes: cpu.memoryAvailableBytes, software: false, unsupported: null });
    expect(devices.find(({ kind }) => kind === 'metal')?.unsupported).toMatch(/not used/);
    expect([...new Set(probes.map(({ kind }) => kind))]).toEqual(['cuda', 'vulkan', 'metal', 'cpu']);
  });

  test('C-32 a missing tool, a failing one and a working one', async () => {
    expect([await runTool('corral-no-such-tool', []), await runTool('sh', ['-c', 'echo oh >&2; exit 3']), await runTool('echo', ['hi'])]).toEqual([
      { ok: false, reason: 'corral-no-such-tool not found' },
      { ok: false, reason: 'sh failed: oh' },
      { ok: true, stdout: 'hi\n' },
    ]);
  });
});
