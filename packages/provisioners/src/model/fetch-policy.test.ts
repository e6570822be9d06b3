import { expect, test } from '@jest/globals';
import type { RefScheme } from '@corral/catalog-core';
import { parseFetchPolicy } from './fetch-policy.js';

const refusals = (value: Parameters<typeof parseFetchPolicy>[0], ...schemes: readonly RefScheme[]) => {
  const parsed = parseFetchPolicy(value);
  return parsed.kind === 'refused' ? parsed.message : schemes.map((scheme) => parsed.policy.refusal(scheme) !== null);
};

test('D-22 without a list everything is allowed, with one only what it names', () => {
  expect(refusals(undefined, 'file', 'hf')).toEqual([false, false]);
  expect(refusals(null, 'file', 'hf')).toEqual([false, false]);
  expect(refusals(' File , pypi,', 'file', 'pypi', 'hf', 'https')).toEqual([false, false, true, true]);
  expect(refusals(['https'], 'file', 'http', 'https')).toEqual([true, true, false]);
  expect(refusals('', 'file')).toEqual([true]);
});

test('D-22 an unknown scheme is refused with those that there are', () => {
  expect(refusals('file,gopher')).toBe('FETCH_ALLOW names "gopher"; use a comma list of file, pypi, hf, https, http, s3, oci');
});
