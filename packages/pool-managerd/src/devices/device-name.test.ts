import { expect, test } from '@jest/globals';
import { parseDeviceName } from './device-name.js';

test.each([
  ['cuda:0', 'cuda:0'],
  [' Vulkan:1 ', 'vulkan:1'],
  ['metal:0', 'metal:0'],
  ['cpu', 'cpu'],
  ['0', 'cuda:0'],
  ['GPU1', 'cuda:1'],
  ['cuda:01', 'cuda:1'],
  ['cpu:0', null],
  ['tpu:0', null],
  ['cuda:', null],
  ['', null],
])('C-24 the device %j is %j', (text, expected) => {
  expect(parseDeviceName(text)).toBe(expected);
});
