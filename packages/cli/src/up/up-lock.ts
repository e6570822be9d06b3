import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, type Clock } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { identityOf, isRunning, type ProcessIdentity } from './process-identity.js';
import type { DaemonName } from './up-request.js';

interface Holder extends ProcessIdentity {
  readonly daemons: Readonly<Partial<Record<DaemonName, ProcessIdentity>>>;
}

/** The right of one `corral up` to a state directory. */
export interface UpLock {
  /** Notes which process is a daemon's, so that a successor can wait for its end. */
  note(name: DaemonName, pid: number): Promise<void>;
  release(): Promise<void>;
}

export interface LockOptions {
  readonly clock: Clock;
  /** How long the daemons of a killed holder may take to end. */
  readonly leftoversWithinMs: number;
}

const ATTEMPTS = 5;
const LOOK_EVERY_MS = 100;

/**
 * Takes the state directory, or throws naming the process that has it. What a killed holder left is taken over, after its
 * daemons, which end with it, are gone. [decision 0043]
 */
export async function takeUpLock(stateDir: string, { clock, leftoversWithinMs }: LockOptions): Promise<UpLock> {
  await mkdir(stateDir, { recursive: true }).catch((error: unknown) => {
    throw unusable(stateDir, error);
  });
  const path = join(stateDir, 'up.json');
  const self = await identityOf(process.pid);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const isMine = await create(path, { ...self, daemons: {} }).catch((error: unknown) => {
      throw unusable(stateDir, error);
    });
    if (isMine) return lockAt(path, self);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const holder = holderIn(text);
    if (await isRunning(holder)) throw taken(stateDir, holder);
    await waitForLeftovers(holder, clock, leftoversWithinMs);
    await removeStale(path, text);
  }
  throw new CliFailure(`several programs start on ${stateDir} at once`, { next: 'start one of them again' });
}

/** A link appears whole or not at all, and only where nothing is. */
async function create(path: string, holder: Holder): Promise<boolean> {
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, JSON.stringify(holder));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

function lockAt(path: string, self: ProcessIdentity): UpLock {
  let daemons: Holder['daemons'] = {};
  return {
    note: async (name, pid) => {
      daemons = { ...daemons, [name]: await identityOf(pid) };
      await writeFileAtomic(path, JSON.stringify({ ...self, daemons }));
    },
    release: () => rm(path, { force: true }),
  };
}

/** One that cannot be read is nobody's. */
function holderIn(text: string): Holder {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return { pid: 0, start: null, daemons: {} };
  }
}

/** Another successor may have been faster: what was moved away and is not the stale file goes back. */
async function removeStale(path: string, staleText: string): Promise<void> {
  const aside = `${path}.${process.pid}.old`;
  const isMoved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (!isMoved) return;
  if ((await readFile(aside, 'utf8')) !== staleText) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

async function waitForLeftovers({ daemons }: Holder, clock: Clock, withinMs: number): Promise<void> {
  const deadlineMs = clock.monotonicMs() + withinMs;
  for (;;) {
    const left = await filterRunning(Object.values(daemons));
    if (left.length === 0) return;
    if (clock.monotonicMs() >= deadlineMs) {
      throw new CliFailure(`daemons of an earlier corral up still run (pid ${left.map(({ pid }) => pid).join(', ')})`, {
        next: `end them with kill ${left.map(({ pid }) => pid).join(' ')}, then start again`,
      });
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}

async function filterRunning(identities: readonly ProcessIdentity[]): Promise<ProcessIdentity[]> {
  const running = await Promise.all(identities.map(isRunning));
  return identities.filter((_, n) => running[n]);
}

function unusable(stateDir: string, error: unknown): CliFailure {
  const { code } = error as NodeJS.ErrnoException;
  return new CliFailure(`the state directory ${stateDir} cannot be used (${code ?? String(error)})`, {
    next: 'correct its permissions, free space, or name another one with --state-dir',
  });
}

function taken(stateDir: string, { pid }: ProcessIdentity): CliFailure {
  return new CliFailure(`another corral up (pid ${pid}) uses the state directory ${stateDir}`, {
    next: `stop it with kill ${pid}, or give this one another --state-dir and --port`,
  });
}
