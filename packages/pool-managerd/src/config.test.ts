import { describe, expect, test } from '@jest/globals';
import { ConfigError, configTable, loadConfig } from '@corral/service-kit';
import { configSpec, listenAddress } from './config.js';

const load = (environment: Record<string, string>, file?: object) =>
  loadConfig(configSpec, { environment, ...(file === undefined ? {} : { file: { name: 'corral.yaml', value: file, lineOf: () => undefined } }) });

function problemOf(environment: Record<string, string>): string {
  try {
    load(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('configuration of pool-managerd', () => {
  test('P-01 without configuration it listens on loopback', () => {
    expect(listenAddress(load({}))).toBe('127.0.0.1:9200');
    expect(listenAddress({ addr: '', profile: 'cloud' })).toBe('0.0.0.0:9200');
  });

  test('P-04 variables set what they name, in its unit', () => {
    const { devices, cpu_pool, fetch_allow, tokens } = load({ ALLOW_CPU_POOLS: 'true', POOL_DEVICES: 'cpu, vulkan:0', CPU_POOL_MEMORY_BYTES: '2GiB', CPU_POOL_THREADS: '2', FETCH_ALLOW: 'file', AUTH_TOKEN: 'a,b' });
    expect({ devices, cpu_pool, fetch_allow, tokens }).toEqual({
      devices: { use: ['cpu', 'vulkan:0'], allow_cpu: true, rediscover_ms: 10_000 },
      cpu_pool: { memory_bytes: 2_147_483_648, threads: 2, replicas: null },
      fetch_allow: ['file'],
      tokens: ['a', 'b'],
    });
  });

  test('P-04 settings without a variable come from the file, and unknown ones are refused', () => {
    expect(load({}, { replicas: { drain_ms: 5 } }).replicas.drain_ms).toBe(5);
    expect(() => load({}, { replicas: { drain_s: 5 } })).toThrow('replicas.drain_s');
  });

  test('P-31 a bind beyond loopback without a token is refused by name', () => {
    expect(problemOf({ POOL_MANAGERD_ADDR: '0.0.0.0:9200' })).toContain('set LLORCH_API_TOKEN');
    expect(problemOf({ POOL_MANAGERD_ADDR: '0.0.0.0:9200', LLORCH_API_TOKEN: 'x'.repeat(32) })).toBe('');
  });

  test('G-25 the cloud profile refuses cpu pools', () => {
    const cloud = { CORRAL_PROFILE: 'cloud', LLORCH_API_TOKEN: 'x'.repeat(32) };
    expect(problemOf(cloud)).toBe('');
    expect(problemOf({ ...cloud, ALLOW_CPU_POOLS: 'true' })).toContain('unset ALLOW_CPU_POOLS');
    expect(problemOf({ ...cloud, POOL_DEVICES: 'cpu' })).toContain('take cpu out of POOL_DEVICES');
  });

  test.each([
    [{ POOL_MANAGERD_ADDR: 'nonsense' }, 'nonsense is not host:port'],
    [{ ORCHESTRATOR_URL: 'localhost' }, '"localhost" is not a URL; write http://host:port'],
    [{ ADVERTISE_URL: 'ftp://x' }, '"ftp://x" is not a URL'],
    [{ POOL_DEVICES: 'cuda:0,tpu:1' }, '"tpu:1" names no device'],
    [{ FETCH_ALLOW: 'file,gopher' }, 'FETCH_ALLOW names "gopher"'],
    [{ NODE_ID: 'a b' }, 'a b is not an id'],
  ])('P-04 %j is refused with the next step', (environment, message) => {
    expect(problemOf(environment)).toContain(message);
  });

  test('P-04 every setting is documented', () => {
    expect(configTable(configSpec.schema, configSpec.environment).split('\n').filter((line) => line.endsWith('|  |'))).toEqual([]);
  });
});
