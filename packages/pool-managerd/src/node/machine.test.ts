import { expect, test } from '@jest/globals';
import { nodeIdFromHost } from './machine.js';

test.each([
  ['gpu-7', 'gpu-7'],
  ['Jane’s Mac mini', 'Jane-s-Mac-mini'],
  ['__node', 'node'],
  ['ö', 'node'],
  ['x'.repeat(200), 'x'.repeat(100)],
])('P-12 the host %s is node %s', (host, id) => {
  expect(nodeIdFromHost(host)).toBe(id);
});
