import { expect, test } from '@jest/globals';
import { serverUrl } from './server-url.js';

test.each([
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
  ['http://localhost:1', 'http://localhost:1'],
  ['https://10.1.2.3', 'https://10.1.2.3'],
  ['http://172.31.255.1:80/llama/', 'http://172.31.255.1/llama'],
  ['http://192.168.0.9:8080', 'http://192.168.0.9:8080'],
  ['http://[::1]:8080', 'http://[::1]:8080'],
  ['http://[fd00::5]:8080', 'http://[fd00::5]:8080'],
  // What a URL makes of an address counts, however it was written.
  ['http://0x7f000001:8080', 'http://127.0.0.1:8080'],
])('D-81 %s is an address of this node or of a private network', (text, expected) => {
  expect(serverUrl(text)).toBe(expected);
});

test.each([
  ['127.0.0.1:8080', /is no URL of a server; write http:/],
  ['ftp://127.0.0.1', /is no URL of a server/],
  ['http://', /is no URL of a server/],
  ['http://user:secret@127.0.0.1', /no credentials/],
  ['http://127.0.0.1/?a=b', /no query/],
  ['http://127.0.0.1/#a', /no fragment/],
  ['http://llama.example.com:8080', /is a name; write the number/],
  ['http://8.8.8.8', /neither this node nor a private address/],
  ['http://172.32.0.1', /neither this node nor a private address/],
  ['http://169.254.169.254', /neither this node nor a private address/],
  ['http://0.0.0.0:8080', /neither this node nor a private address/],
  ['http://[2001:db8::1]:8080', /neither this node nor a private address/],
  ['http://[fe80::1]:8080', /neither this node nor a private address/],
])('D-81 %s is refused with what to write', (text, message) => {
  expect(() => serverUrl(text)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS', message: expect.stringMatching(message) }) as never);
});
