import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceKind } from '@corral/catalog-core';
import { messageOf } from '@corral/service-kit';
import { ProvisionError } from '../model/provision-error.js';
import { BUILD_METADATA } from './engine-target.js';
import type { EngineTarget } from './engine-target.js';

/** What a build says of itself. */
export interface Build {
  readonly deviceKind: DeviceKind;
  readonly buildRef: string;
  readonly flags: readonly string[];
}

interface Metadata {
  readonly buildOptions?: {
    readonly platform?: unknown;
    readonly arch?: unknown;
    readonly gpu?: unknown;
    readonly customCmakeOptions?: Readonly<Record<string, string>>;
    readonly llamaCpp?: { readonly release?: unknown };
  };
}

const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', mac: 'darwin', win: 'win32' };
const KINDS = new Map<unknown, DeviceKind>([[false, 'cpu'], ['vulkan', 'vulkan'], ['cuda', 'cuda'], ['metal', 'metal']]);

/** Reads what lies beside the native binary, and refuses a build for another machine or of other sources. [D-72] */
export async function readBuild(folder: string, target: EngineTarget): Promise<Build> {
  const path = join(folder, BUILD_METADATA);
  let metadata: Metadata;
  try {
    metadata = JSON.parse(await readFile(path, 'utf8')) as Metadata;
  } catch (error) {
    throw new ProvisionError('DAMAGED', `${path} cannot be read: ${messageOf(error)}; give the folder or the tarball of a whole prebuilt package`);
  }
  const { platform, arch, gpu, llamaCpp, customCmakeOptions = {} } = metadata.buildOptions ?? {};
  const [ownPlatform, ownArch] = [PLATFORMS[String(platform)] ?? String(platform), String(arch)];
  if (ownPlatform !== target.platform || ownArch !== target.arch) throw new ProvisionError('INVALID_SOURCE', `the build in ${folder} is for ${ownPlatform} ${ownArch} and this machine is ${target.platform} ${target.arch}; add the package for this machine`);
  const deviceKind = KINDS.get(gpu);
  if (deviceKind === undefined) throw new ProvisionError('INVALID_SOURCE', `the build in ${folder} is for "${String(gpu)}", which is no kind of device here; add one for ${[...KINDS.values()].join(', ')}`);
  const buildRef = String(llamaCpp?.release);
  if (buildRef !== target.buildRef) throw new ProvisionError('INVALID_SOURCE', `the build in ${folder} is of llama.cpp ${buildRef} and this program needs ${target.buildRef}; add the prebuilt of node-llama-cpp ${target.version}`);
  return { deviceKind, buildRef, flags: Object.entries(customCmakeOptions).map(([name, value]) => `${name}=${value}`) };
}
