import { describe, expect, test } from '@jest/globals';
import { orchestratordEnvironment, poolManagerdEnvironment, wantedAddresses, type DaemonSettings } from './daemon-environment.js';
import type { UpRequest } from './up-request.js';

const request = (changes: Partial<UpRequest> = {}): UpRequest => ({ allowCpu: false, watch: false, once: false, json: false, ...changes });
const settings = (changes: Partial<DaemonSettings> = {}): DaemonSettings => ({
  env: {},
  config: { orchestratord: {}, poolManagerd: {} },
  request: request(),
  stateDir: '/s',
  ...changes,
});
const at = (port: number, host = '127.0.0.1') => ({ host, port });

describe('addresses', () => {
  test('P-01 loopback by default', () => {
    expect(wantedAddresses(settings())).toEqual({ orchestratord: at(8080), poolManagerd: at(9200) });
  });

  test('P-04 file, before it the environment, before that the flag, which moves the port alone', () => {
    const config = { orchestratord: { addr: '127.0.0.1:1' }, poolManagerd: { addr: '127.0.0.1:2' } };
    const env = { ORCHESTRATORD_ADDR: '0.0.0.0:3', POOL_MANAGERD_ADDR: '' };
    expect(wantedAddresses(settings({ config }))).toEqual({ orchestratord: at(1), poolManagerd: at(2) });
    expect(wantedAddresses(settings({ config, env }))).toEqual({ orchestratord: at(3, '0.0.0.0'), poolManagerd: at(2) });
    expect(wantedAddresses(settings({ config, env, request: request({ port: 0, poolPort: 5 }) }))).toEqual({
      orchestratord: at(0, '0.0.0.0'),
      poolManagerd: at(5),
    });
  });

  test('what is none names the variable', () => {
    expect(() => wantedAddresses(settings({ env: { POOL_MANAGERD_ADDR: 'here' } }))).toThrow(
      expect.objectContaining({ exitCode: 2, next: expect.stringContaining('POOL_MANAGERD_ADDR') }),
    );
  });
});

describe('environments', () => {
  test('P-01 a fixed port of pool-managerd is a static node', () => {
    expect(orchestratordEnvironment(settings({ env: { HOME: '/h' } }), at(8080), at(9200))).toEqual({
      HOME: '/h',
      CORRAL_STATE_DIR: '/s',
      ORCHESTRATORD_ADDR: '127.0.0.1:8080',
      POOL_MANAGERD_URL: 'http://127.0.0.1:9200',
    });
  });

  test('P-16 a free port is known by registration alone, and what the user set stays', () => {
    expect(orchestratordEnvironment(settings(), at(0), at(0))).toMatchObject({ POOL_MANAGERD_URLS: 'none' });
    const env = { POOL_MANAGERD_URLS: 'http://gpu:9200' };
    expect(orchestratordEnvironment(settings({ env }), at(0), at(0))).toEqual({
      ...env,
      CORRAL_STATE_DIR: '/s',
      ORCHESTRATORD_ADDR: '127.0.0.1:0',
    });
  });

  test('F-02 flags become variables', () => {
    const flags = settings({
      env: { ORCHESTRATOR_URL: 'http://elsewhere' },
      request: request({ manifestPath: '/m.yaml', allowCpu: true, watch: true }),
    });
    expect(orchestratordEnvironment(flags, at(1), at(2))).toMatchObject({ CORRAL_MANIFEST: '/m.yaml', CORRAL_WATCH: 'true' });
    expect(poolManagerdEnvironment(flags, at(2), 'http://127.0.0.1:1')).toEqual({
      CORRAL_STATE_DIR: '/s',
      POOL_MANAGERD_ADDR: '127.0.0.1:2',
      ORCHESTRATOR_URL: 'http://127.0.0.1:1',
      ALLOW_CPU_POOLS: 'true',
    });
  });
});
