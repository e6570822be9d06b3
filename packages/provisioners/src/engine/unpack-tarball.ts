import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProvisionError } from '../model/provision-error.js';
import { runProgram } from '../programs/run-program.js';
import type { RunOptions } from '../programs/run-program.js';

const SAID = 300;

/** Unpacks the tarball of a package below `folder` and returns the folder of the package. */
export async function unpackTarball(path: string, folder: string, options: RunOptions): Promise<string> {
  const into = join(folder, 'unpacked');
  await mkdir(into, { recursive: true });
  const { code, stderr } = await runProgram(['tar', '-xzf', path, '-C', into, '--no-same-owner', '--no-same-permissions'], options);
  if (code === 127) throw new ProvisionError('TOOL_MISSING', `${path} cannot be unpacked without tar; install tar, or unpack it elsewhere and give the folder`);
  if (code !== 0) throw new ProvisionError('DAMAGED', `${path} cannot be unpacked: ${stderr.trim().slice(-SAID)}; fetch it again`);
  // A package of npm lies in a folder of this name.
  const root = join(into, 'package');
  return (await stat(root).catch(() => null))?.isDirectory() === true ? root : into;
}
