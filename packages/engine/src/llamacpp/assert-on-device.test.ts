import { describe, expect, test } from '@jest/globals';
import { assertOnDevice, type LoadedWhere } from './assert-on-device.js';

const onGpu: LoadedWhere = { gpu: 'vulkan', deviceNames: ['gpu'], supportsOffloading: true, layersOnDevice: 31, totalLayers: 31, deviceBytes: 1 };
const onCpu: LoadedWhere = { gpu: false, deviceNames: [], supportsOffloading: false, layersOnDevice: 0, totalLayers: 31, deviceBytes: 0 };

describe('assertOnDevice', () => {
  test('C-33 a model that is whole where it was wanted passes', () => {
    expect([assertOnDevice('vulkan', onGpu), assertOnDevice('cpu', onCpu)]).toEqual([undefined, undefined]);
  });

  test.each([
    [{ gpu: false as const }, 'the engine uses the CPU'],
    [{ deviceNames: [] }, 'it sees 0 devices'],
    [{ deviceNames: ['a', 'b'] }, 'it sees 2 devices'],
    [{ supportsOffloading: false }, 'it cannot offload'],
    [{ layersOnDevice: 30 }, '30 of 31 layers are on it'],
    [{ deviceBytes: 0 }, 'no weights are on it'],
  ])('C-30 C-32 C-33 on a device, %j is refused', (change, reason) => {
    expect(() => assertOnDevice('vulkan', { ...onGpu, ...change })).toThrow(expect.objectContaining({ kind: 'not_on_device', message: expect.stringContaining(reason) }));
  });

  test.each([
    [{ gpu: 'vulkan' }, 'the engine uses vulkan'],
    [{ layersOnDevice: 3 }, '3 layers went elsewhere'],
  ])('C-33 G-25 on cpu, %j is refused', (change, reason) => {
    expect(() => assertOnDevice('cpu', { ...onCpu, ...change })).toThrow(expect.objectContaining({ kind: 'not_on_device', message: expect.stringContaining(reason) }));
  });
});
