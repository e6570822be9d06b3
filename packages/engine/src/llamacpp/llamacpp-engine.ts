import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeviceKind } from '@corral/contracts';
import type { Clock, Log } from '@corral/service-kit';
import { childEnv, type Environment } from '../child/child-env.js';
import type { ChildOptions } from '../child/fork-child.js';
import { runProbe } from '../child/run-probe.js';
import { EngineWorkers, type WorkersLimits } from '../child/engine-workers.js';
import { discoverDevices } from '../devices/discover.js';
import { EngineError } from '../engine-error.js';
import type { ModelFacts } from '../model-facts.js';
import { DEFAULT_BATCH_TOKENS, type EngineProvider } from '../port.js';
import type { ProbeQuestion, SeenDevice } from './probe.js';

export interface LlamacppOptions {
  /** The environment that the processes of the engine get; `process.env` in a daemon. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Log;
  /** Compiled programs of the worker and of the probe; those beside this module unless given. */
  readonly programs?: { readonly worker: string; readonly probe: string };
  /** What the native code writes. `debug` is for measuring. Default `warn`. */
  readonly logLevel?: 'debug' | 'info' | 'warn';
  /** Limits of the processes that wait for a load. */
  readonly limits?: Partial<WorkersLimits>;
}

/** Kinds of devices that this engine was run on. */
const SUPPORTED: readonly DeviceKind[] = ['cpu', 'vulkan'];

/** The llama.cpp engine. Nothing of node-llama-cpp is loaded in the process that calls this. */
export function createLlamacppEngine(options: LlamacppOptions): EngineProvider {
  const { env, clock, log, logLevel = 'warn', programs = ownPrograms(), limits = {} } = options;
  const version = installedVersion();
  const fingerprint = `node-llama-cpp-${version}`;
  const probe = (kind: DeviceKind, mask: string): ChildOptions => ({ entry: programs.probe, args: [], env: childEnv(env, { kind, mask }), clock, log });
  const workers = new EngineWorkers({
    program: ({ deviceKind, deviceMask }) => {
      refuseUnsupported(deviceKind);
      return { entry: programs.worker, args: [JSON.stringify({ deviceKind, logLevel, fingerprint })], env: childEnv(env, { kind: deviceKind, mask: deviceMask }), clock };
    },
    clock,
    limits,
  });

  return {
    name: 'llamacpp',
    version,
    discover: (signal) => {
      const look = (mask: string): Promise<readonly SeenDevice[]> => ask(probe('vulkan', mask), { type: 'devices' }, { kindOfDeath: 'device_missing', signal });
      return discoverDevices({ env, look }, { platform: platform(), arch: arch() }, signal);
    },
    inspect: async (path, { deviceKind, deviceMask = deviceKind === 'cpu' ? '' : '0', batchTokens = DEFAULT_BATCH_TOKENS, signal }) => {
      refuseUnsupported(deviceKind);
      return await ask<ModelFacts>(probe(deviceKind, deviceMask), { type: 'inspect', path, deviceKind, batchTokens }, { kindOfDeath: 'bad_model', signal });
    },
    start: (spec, startOptions) => workers.start(spec, startOptions),
    standBy: (device, standbyOptions) => workers.standBy(device, standbyOptions),
  };
}

function ask<Answer>(child: ChildOptions, question: ProbeQuestion, rules: Parameters<typeof runProbe>[2]): Promise<Answer> {
  return runProbe<Answer>(child, question, rules);
}

/** Code for a device kind exists only where it was run. [C-32] */
function refuseUnsupported(kind: DeviceKind): void {
  if (SUPPORTED.includes(kind)) return;
  throw new EngineError('device_unsupported', `the llama.cpp engine has not been run on ${kind} devices and does not start there; use a pool of ${SUPPORTED.join(' or ')}`);
}

function ownPrograms(): { readonly worker: string; readonly probe: string } {
  const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  return { worker: beside('./worker.js'), probe: beside('./probe.js') };
}

function installedVersion(): string {
  const entry = createRequire(import.meta.url).resolve('node-llama-cpp');
  const manifest = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as { readonly version: string };
  return manifest.version;
}
