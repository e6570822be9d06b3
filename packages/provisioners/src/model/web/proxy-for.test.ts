import { expect, test } from '@jest/globals';
import { proxiesOf } from './proxy-for.js';

const env = {
  HTTP_PROXY: 'http://upper:1',
  http_proxy: 'lower:3128',
  HTTPS_PROXY: 'http://user:word@secure:2/',
  NO_PROXY: 'localhost, .inner.example,exact.example:8443 127.0.0.1',
};

test.each<[string, NodeJS.ProcessEnv, string | null]>([
  ['http://host/m', env, 'http://lower:3128/'],
  ['https://host/m', env, 'http://user:word@secure:2/'],
  ['https://localhost:99/m', env, null],
  ['http://127.0.0.1:99/m', env, null],
  ['https://a.b.inner.example/m', env, null],
  ['https://inner.example/m', env, null],
  ['https://notinner.example/m', env, 'http://user:word@secure:2/'],
  ['https://exact.example:8443/m', env, null],
  ['https://exact.example/m', env, 'http://user:word@secure:2/'],
  ['https://host/m', { HTTP_PROXY: 'http://one:1' }, 'http://one:1/'],
  ['https://host/m', { HTTPS_PROXY: 'http://one:1', no_proxy: '*' }, null],
  ['https://host/m', { HTTPS_PROXY: 'socks5://one:1' }, null],
  ['https://host/m', {}, null],
])('D-59 the way to %s', (url, variables, proxy) => {
  expect(proxiesOf(variables)(new URL(url))?.href ?? null).toBe(proxy);
});
