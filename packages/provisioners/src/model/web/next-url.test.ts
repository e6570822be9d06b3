import { expect, test } from '@jest/globals';
import { nextUrl } from './next-url.js';

test.each([
  ['http://a/x/m', '../n?k=1#part', 'http://a/n?k=1'],
  ['http://a/m', 'https://b/m', 'https://b/m'],
  ['https://a/m', '//b:8443/m', 'https://b:8443/m'],
])('D-52 from %s, %s leads to %s', (from, location, to) => {
  expect(nextUrl(new URL(from), location).href).toBe(to);
});

test.each([
  ['https://a/m', 'http://a/m', 'a redirects to a without encryption, which is not followed; use the address of a server that stays with https'],
  ['http://a/m', 'file:///etc/passwd', 'a redirects to a file: address; correct the address'],
  ['http://a/m', 'http://', 'a redirects to nowhere; correct the address'],
  ['http://a/m', null, 'a redirects to nowhere; correct the address'],
])('D-52 from %s, %s is not followed', (from, location, message) => {
  expect(() => nextUrl(new URL(from), location)).toThrow(message);
});
