import { expect, test } from '@jest/globals';
import { aDiscovery, aGpu } from '../../test/a-discovery.js';
import { inspectionDevices } from './model-source.js';

const HOME = { devices: null, allowCpu: false, cpuCanBeAllowed: true };

test.each([
  ['one GPU of each kind', [aGpu({ id: 'cuda:0' }), aGpu({ id: 'cuda:1' }), aGpu({ id: 'vulkan:0' })], HOME, ['cuda 0', 'vulkan 0']],
  ['the CPU beside it, where it is allowed', [aGpu({ id: 'cuda:0' })], { ...HOME, allowCpu: true }, ['cuda 0', 'cpu ']],
  ['only what POOL_DEVICES names', [aGpu({ id: 'cuda:0' }), aGpu({ id: 'vulkan:1', software: true })], { ...HOME, devices: ['vulkan:1'] }, ['vulkan 1']],
  ['nothing that the engine has no code for', [aGpu({ id: 'metal:0', unsupported: 'never run' })], { ...HOME, allowCpu: true }, ['cpu ']],
  ['the CPU where there is nothing else, for the facts alone', [], HOME, ['cpu ']],
])('D-03 memory figures are asked for on %s', (_, gpus, permissions, expected) => {
  expect(inspectionDevices(aDiscovery(...gpus), permissions).map(({ kind, mask }) => `${kind} ${mask}`)).toEqual(expected);
});
