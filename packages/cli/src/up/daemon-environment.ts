import { formatAddress, parseAddress, type Address } from '@corral/service-kit';
import type { Environment } from '../cli-context.js';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import type { SharedConfig } from './read-shared-config.js';
import type { DaemonName, UpRequest } from './up-request.js';

export interface Addresses {
  readonly orchestratord: Address;
  readonly poolManagerd: Address;
}

export interface DaemonSettings {
  readonly env: Environment;
  readonly config: SharedConfig;
  readonly request: UpRequest;
  readonly stateDir: string;
}

const HOST = '127.0.0.1';
const NO_STATIC_NODES = 'none';

/** Where each daemon is to listen: flag, else environment, else file, else its port on loopback. [P-01] */
export function wantedAddresses({ env, config, request }: Omit<DaemonSettings, 'stateDir'>): Addresses {
  return {
    orchestratord: wantedAddress(
      request.port,
      env['ORCHESTRATORD_ADDR'] || config.orchestratord['addr'] || `${HOST}:8080`,
      'ORCHESTRATORD_ADDR',
    ),
    poolManagerd: wantedAddress(
      request.poolPort,
      env['POOL_MANAGERD_ADDR'] || config.poolManagerd['addr'] || `${HOST}:9200`,
      'POOL_MANAGERD_ADDR',
    ),
  };
}

function wantedAddress(port: number | undefined, text: unknown, variable: string): Address {
  const address = parseAddress(String(text));
  if (address === undefined) {
    throw new CliFailure(`${JSON.stringify(text)} is no address to listen on`, {
      next: `write ${variable} as host:port, such as 127.0.0.1:8080`,
      exitCode: EXIT.wrongUse,
    });
  }
  return { host: address.host, port: port ?? address.port };
}

/** The environment of orchestratord: the user's, and what the flags decide. `address` has the real port once it is known. */
export function orchestratordEnvironment(settings: DaemonSettings, address: Address, poolManagerd: Address): Environment {
  const { env, request, config } = settings;
  const hasStaticNodes = [env['POOL_MANAGERD_URLS'], env['POOL_MANAGERD_URL'], config.orchestratord['pool_managerd_urls']].some(
    (value) => value !== undefined && value !== '',
  );
  return {
    ...sharedEnvironment(settings),
    ORCHESTRATORD_ADDR: formatAddress(address),
    ...(request.manifestPath === undefined ? {} : { CORRAL_MANIFEST: request.manifestPath }),
    ...(request.watch ? { CORRAL_WATCH: 'true' } : {}),
    ...(hasStaticNodes ? {} : staticNode(poolManagerd)),
  };
}

/** A node whose port is not fixed is known by its registration alone. [P-16] */
function staticNode({ host, port }: Address): Environment {
  if (port === 0) return { POOL_MANAGERD_URLS: NO_STATIC_NODES };
  return { POOL_MANAGERD_URL: `http://${formatAddress({ host: reachableHost(host), port })}` };
}

/** The environment of pool-managerd, which registers at `orchestratorUrl`. */
export function poolManagerdEnvironment(settings: DaemonSettings, address: Address, orchestratorUrl: string): Environment {
  return {
    ...sharedEnvironment(settings),
    POOL_MANAGERD_ADDR: formatAddress(address),
    ORCHESTRATOR_URL: orchestratorUrl,
    ...(settings.request.allowCpu ? { ALLOW_CPU_POOLS: 'true' } : {}),
  };
}

/** The arguments of both: they read their own section of the shared file. */
export function daemonArguments({ configPath }: UpRequest): string[] {
  return configPath === undefined ? [] : ['--config', configPath];
}

/** The flag that moves a daemon to another port. */
export const PORT_FLAG: Readonly<Record<DaemonName, string>> = { orchestratord: '--port', 'pool-managerd': '--pool-port' };

function sharedEnvironment({ env, stateDir }: DaemonSettings): Environment {
  return { ...env, CORRAL_STATE_DIR: stateDir };
}

function reachableHost(host: string): string {
  return host === '0.0.0.0' || host === '::' ? HOST : host;
}
