import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@corral/service-kit';
import { ProvisionError } from '../model/provision-error.js';
import { NATIVE_BINARY } from './engine-target.js';
import type { EngineTarget } from './engine-target.js';

/** The folder with the native binary inside an unpacked prebuilt package, whose version must be the program's own. [D-72] */
export async function findPrebuilt(root: string, target: EngineTarget): Promise<string> {
  const { name, version } = await readPackage(root);
  if (!name.startsWith('@node-llama-cpp/')) throw new ProvisionError('INVALID_SOURCE', `${root} holds the package "${name}"; give one of node-llama-cpp's prebuilt packages, such as @node-llama-cpp/linux-x64`);
  if (version !== target.version) throw new ProvisionError('INVALID_SOURCE', `${name} in ${root} has version ${version} and this program runs ${target.version} alone; add ${name}@${target.version}`);
  const bins = join(root, 'bins');
  const folders = await readdir(bins).catch(() => []);
  for (const folder of folders) {
    const at = join(bins, folder);
    if ((await stat(join(at, NATIVE_BINARY)).catch(() => null))?.isFile() === true) return at;
  }
  throw new ProvisionError('DAMAGED', `${name} in ${root} has no ${NATIVE_BINARY} below bins/; it is not whole: unpack or fetch it again`);
}

async function readPackage(root: string): Promise<{ readonly name: string; readonly version: string }> {
  const path = join(root, 'package.json');
  try {
    const { name, version } = JSON.parse(await readFile(path, 'utf8')) as { readonly name?: unknown; readonly version?: unknown };
    return { name: String(name), version: String(version) };
  } catch (error) {
    throw new ProvisionError('INVALID_SOURCE', `${path} cannot be read (${messageOf(error)}), and without it the version of the build is not known; give the folder or the tarball of a prebuilt package, such as @node-llama-cpp/linux-x64`);
  }
}
