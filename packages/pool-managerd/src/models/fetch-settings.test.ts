import { expect, test } from '@jest/globals';
import { WEB_LIMITS } from '@corral/provisioners';
import { loadConfig } from '@corral/service-kit';
import { configSpec } from '../config.js';
import { webLimitsOf } from './fetch-settings.js';

const load = (fetch: object) => loadConfig(configSpec, { environment: {}, file: { name: 'corral.yaml', value: { fetch }, lineOf: () => undefined } });

test('P-04 D-54 what is set goes to the fetchers in their units, and the rest is as they have it', () => {
  expect(webLimitsOf(load({}).fetch)).toEqual(WEB_LIMITS);
  expect(webLimitsOf(load({ connections: 8, bandwidth_bytes_per_s: '10MiB', idle_ms: 5 }).fetch)).toEqual({
    ...WEB_LIMITS,
    connections: 8,
    bandwidthBytesPerS: 10_485_760,
    idleMs: 5,
  });
});

test('P-04 D-53 a download has no more than 16 connections', () => {
  expect(() => load({ connections: 17 })).toThrow('fetch.connections');
});
