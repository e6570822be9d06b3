import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CliFailure } from '../cli-failure.js';
import type { DaemonPrograms } from './up-request.js';

/** The programs of the two daemons beside this package. Throws when they were not built. */
export async function findDaemons(): Promise<DaemonPrograms> {
  return { orchestratord: await programOf('@corral/orchestratord'), 'pool-managerd': await programOf('@corral/pool-managerd') };
}

async function programOf(name: string): Promise<string> {
  try {
    const program = join(dirname(createRequire(import.meta.url).resolve(name)), 'main.js');
    await access(program);
    return program;
  } catch {
    throw new CliFailure(`the program of ${name} is missing`, { next: 'build it: scripts/up does, and pnpm build' });
  }
}
