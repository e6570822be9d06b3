import { expect, test } from '@jest/globals';
import { advertisedUrl } from './advertised-url.js';

const here = { advertiseUrl: '', url: 'http://127.0.0.1:9200', host: '127.0.0.1', orchestratorUrl: 'http://127.0.0.1:8080' };

test.each([
  ['on one machine: where it listens', here, 'http://127.0.0.1:9200'],
  ['as configured', { ...here, advertiseUrl: 'http://gpu-7:9200/' }, 'http://gpu-7:9200'],
  ['on all addresses, for another machine: by name', { ...here, host: '0.0.0.0', orchestratorUrl: 'http://control:8080' }, 'http://gpu-1:9200'],
  ['on all addresses, for this machine: loopback', { ...here, host: '0.0.0.0' }, 'http://127.0.0.1:9200'],
])('P-12 the address of a node, %s', (_, input, url) => {
  expect(advertisedUrl(input, 'gpu-1')).toBe(url);
});
