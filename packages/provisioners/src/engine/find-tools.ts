import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { ProvisionError } from '../model/provision-error.js';
import type { BuildTools } from './plan-build.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Each is needed; of those in one row any will do. The last column is the Debian package. */
const NEEDED = [
  { names: ['git'], debian: 'git' },
  { names: ['cmake'], debian: 'cmake' },
  { names: ['c++', 'g++', 'clang++'], variable: 'CXX', debian: 'g++' },
  { names: ['cc', 'gcc', 'clang'], variable: 'CC', debian: 'gcc' },
  { names: ['ninja', 'make'], debian: 'ninja-build' },
] as const;

/** Finds what a local build needs, or throws TOOL_MISSING with everything that is missing. [D-78] */
export async function findTools(env: Environment, node: string): Promise<BuildTools> {
  const found = await Promise.all(NEEDED.map((need) => firstOf('variable' in need && env[need.variable] !== undefined ? [env[need.variable] ?? ''] : need.names, env)));
  const missing = NEEDED.filter((_, n) => found[n] === null);
  if (missing.length > 0) {
    const names = missing.map(({ names: each }) => each.join(' or ')).join(', ');
    throw new ProvisionError('TOOL_MISSING', `a local build needs ${names}, which ${missing.length > 1 ? 'are' : 'is'} not in PATH; install it (Debian: apt install ${missing.map(({ debian }) => debian).join(' ')}), or add a prebuilt package`);
  }
  const nice = await firstOf(['nice'], env);
  return { git: found[0] ?? 'git', cmake: found[1] ?? 'cmake', hasNinja: found[4]?.endsWith('ninja') === true, node, nice: nice === null ? [] : [nice, '-n', '19'] };
}

async function firstOf(names: readonly string[], env: Environment): Promise<string | null> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    for (const path of isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))) {
      if (await isExecutable(path)) return path;
    }
  }
  return null;
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
