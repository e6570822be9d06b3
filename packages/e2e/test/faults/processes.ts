import { readFile } from 'node:fs/promises';
import { aliveOf, eventually, familyOf, type Corral } from '@corral/test-kit';

/** The processes of one `corral up`, as `/proc` shows them now. */
export interface Processes {
  readonly orchestratord: number;
  readonly poolManagerd: number;
  /** Children of pool-managerd: workers with a model, idle ones, and those that look at a file. */
  readonly engines: readonly number[];
}

/** Waits until both daemons run, since one that died is started again, and says what runs below them. */
export async function processesOf(corral: Corral): Promise<Processes> {
  return await eventually('both daemons run', 120_000, async () => {
    const orchestratord = await daemonOf(corral, 'orchestratord');
    const poolManagerd = await daemonOf(corral, 'pool-managerd');
    if (orchestratord === undefined || poolManagerd === undefined) return undefined;
    const family = await familyOf(poolManagerd);
    return { orchestratord, poolManagerd, engines: await aliveOf(family.slice(1)) };
  });
}

async function daemonOf(corral: Corral, name: 'orchestratord' | 'pool-managerd'): Promise<number | undefined> {
  const alive = await aliveOf(await familyOf(corral.pid));
  const commands = await Promise.all(alive.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return alive.find((_pid, n) => commands[n]?.includes(`/${name}/dist/`) === true);
}
