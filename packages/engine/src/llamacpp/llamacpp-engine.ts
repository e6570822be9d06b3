import { arch, platform } from 'node:os';
import { dirname } from 'node:path';
import type { DeviceKind } from '@corral/contracts';
import type { Clock, Log } from '@corral/service-kit';
import { childEnv, type Environment } from '../child/child-env.js';
import { EngineWorkers, type WorkersLimits } from '../child/engine-workers.js';
import type { ChildOptions } from '../child/fork-child.js';
import { runProbe } from '../child/run-probe.js';
import { discoverDevices } from '../devices/discover.js';
import { EngineError } from '../engine-error.js';
import type { ModelFacts } from '../model-facts.js';
import { DEFAULT_BATCH_TOKENS, type BuiltInBundle, type DeviceRef, type EngineProvider, type InspectOptions, type ReplicaSpec } from '../port.js';
import { findSources } from './find-sources.js';
import { LlamacppPrograms, ownPrograms, type ProgramPaths } from './llamacpp-programs.js';
import { findInstallation, type Installation } from './native-binary.js';
import type { ProbeQuestion, SeenDevice } from './probe.js';
import { Rememberer } from './rememberer.js';

export interface LlamacppOptions {
  /** The environment that the processes of the engine get; `process.env` in a daemon. */
  readonly env: Environment;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the engine keeps what makes loads and starts fast; made when it is missing. All of it may be deleted at any time. Default: nothing is kept. */
  readonly cacheDir?: string;
  /** Compiled programs of the engine; those beside this module unless given. */
  readonly programs?: ProgramPaths;
  /** What the native code writes. `debug` is for measuring. Default `warn`. */
  readonly logLevel?: 'debug' | 'info' | 'warn';
  /** Limits of the processes that wait for a load. */
  readonly limits?: Partial<WorkersLimits>;
}

/** Kinds of devices that this engine was run on. */
const SUPPORTED: readonly DeviceKind[] = ['cpu', 'vulkan'];

/** The llama.cpp engine. Nothing of node-llama-cpp is loaded in the process that calls this. */
export function createLlamacppEngine(options: LlamacppOptions): EngineProvider {
  const { env, clock, log, cacheDir = null, logLevel = 'warn', programs: paths = ownPrograms(), limits = {} } = options;
  const installation = findInstallation();
  const fingerprint = `node-llama-cpp-${installation.version}`;
  const programs = new LlamacppPrograms({ paths, installation, fingerprint, env, clock, logLevel, cacheDir });
  const ask = <Answer>({ deviceKind, deviceMask }: DeviceRef, question: ProbeQuestion, rules: Parameters<typeof runProbe>[2]): Promise<Answer> => {
    const child: ChildOptions = { entry: paths.probe, args: [], env: childEnv(env, { kind: deviceKind, mask: deviceMask }), clock, log };
    return runProbe<Answer>(child, { ...question, markPath: programs.markPath({ deviceKind, deviceMask }) }, rules);
  };
  const inspect = async (path: string, { deviceKind, deviceMask = deviceKind === 'cpu' ? '' : '0', batchTokens = DEFAULT_BATCH_TOKENS, digest, signal }: InspectOptions): Promise<ModelFacts> => {
    refuseUnsupported(deviceKind);
    const remember = programs.remember({ digest, deviceKind, batchTokens });
    return await ask<ModelFacts>({ deviceKind, deviceMask }, { type: 'inspect', path, deviceKind, batchTokens, remember }, { kindOfDeath: 'bad_model', signal });
  };
  const workers = new EngineWorkers({
    program: (device) => {
      refuseUnsupported(device.deviceKind);
      return programs.worker(device);
    },
    prepare: async (device, signal) => {
      if (!SUPPORTED.includes(device.deviceKind) || !programs.wantsSelfTest(device)) return;
      await ask(device, { type: 'self_test', deviceKind: device.deviceKind }, { kindOfDeath: 'device_missing', signal });
    },
    clock,
    limits,
  });
  const rememberer = new Rememberer({ inspect, clock, log });

  return {
    name: 'llamacpp',
    version: installation.version,
    builtIn: builtInBundles(installation),
    buildRef: installation.buildRef,
    sources: findSources(installation.root),
    discover: (signal) => {
      const look = (deviceMask: string): Promise<readonly SeenDevice[]> => ask({ deviceKind: 'vulkan', deviceMask }, { type: 'devices' }, { kindOfDeath: 'device_missing', signal });
      return discoverDevices({ env, look }, { platform: platform(), arch: arch() }, signal);
    },
    inspect,
    start: async (spec, startOptions) => {
      const replica = await workers.start(spec, startOptions, programs.extra(spec));
      if (replica.info.loadPath === 'public' && programs.canRemember) rememberer.later(spec, replica);
      return replica;
    },
    standBy: (device, standbyOptions) => workers.standBy(device, standbyOptions),
  };
}

function builtInBundles({ binaryOf, buildRef }: Installation): readonly BuiltInBundle[] {
  return SUPPORTED.flatMap((deviceKind) => {
    const binary = binaryOf(deviceKind);
    return binary === null ? [] : [{ deviceKind, folder: dirname(binary), binary, buildRef }];
  });
}

/** Code for a device kind exists only where it was run. [C-32] */
function refuseUnsupported(kind: ReplicaSpec['deviceKind']): void {
  if (SUPPORTED.includes(kind)) return;
  throw new EngineError('device_unsupported', `the llama.cpp engine has not been run on ${kind} devices and does not start there; use a pool of ${SUPPORTED.join(' or ')}`);
}
