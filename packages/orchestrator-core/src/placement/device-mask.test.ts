import { expect, test } from '@jest/globals';
import { normaliseDeviceMask } from './device-mask.js';

test.each([
  ['1', 'cuda', '1'],
  ['cuda:1', 'cuda', '1'],
  ['cuda:1', 'vulkan', 'cuda:1'],
  [' cuda:1 , 0', 'cuda', '0,1'],
  ['1,0,1', 'cuda', '0,1'],
  ['0,,1,', 'cuda', '0,1'],
  ['cpu', 'cpu', 'cpu'],
])('A-25 the mask %j of a %s pool is %j', (mask, kind, normal) => {
  expect(normaliseDeviceMask(mask, kind)).toBe(normal);
});
