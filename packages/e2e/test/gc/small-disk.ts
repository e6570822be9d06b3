import { execFile } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GcPlan, GcReport, Operation } from '@corral/contracts';
import { call } from '../served.js';
import { startSystem, type System, type SystemOptions } from '../faults/served-system.js';
import { processesOf } from '../faults/processes.js';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));
const FILL = fileURLToPath(new URL('fill-models.mjs', import.meta.url));

/** Mount namespaces need a privilege that some containers withhold; what needs a disk of its own is skipped there, and says so. */
export const canMount: boolean = await run('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/tmp']).then(
  () => true,
  (error: unknown) => {
    console.warn(`no small disk can be mounted here (${String(error)}): the tests of garbage collection on one are skipped; run them as root`);
    return false;
  },
);

/** A model that is in the catalog of the node before it starts; its file is no model, and nobody loads it. */
export interface FilledModel {
  readonly id: string;
  readonly bytes: number;
  /** Default 50. */
  readonly daysOld?: number;
  readonly retiredDaysAgo?: number;
  readonly usedDaysAgo?: number;
  readonly pinned?: boolean;
  /** Shares the file of that one. */
  readonly sameAs?: string;
}

export interface SmallDiskOptions {
  readonly sizeMiB: number;
  readonly gc: object;
  readonly fill?: readonly FilledModel[];
  readonly models?: SystemOptions['models'];
  readonly poolManagerd?: object;
  readonly env?: Readonly<Record<string, string>>;
}

/** A running home profile whose models directory is a file system of its own. */
export interface SmallDisk {
  readonly system: System;
  readonly url: string;
  plan(): Promise<GcPlan>;
  /** One pass on the node, through the control plane. */
  collect(): Promise<GcReport>;
  /** Ids in the index on the disk, and what contradicts it: entries without their file, files without an entry. */
  onDisk(): Promise<{ readonly ids: readonly string[]; readonly contradictions: readonly string[]; readonly marked: readonly string[] }>;
  /** Leaves no byte of the disk free. */
  fillUp(): Promise<void>;
  metric(line: RegExp): Promise<number | undefined>;
  stop(): Promise<void>;
}

const MOUNT = 'mount -t tmpfs -o "size=$1" none "$2" && "$3" "$4" "$2" "$5" && shift 5 && exec "$@"';

/** Mounted in a namespace of its own, which ends with its processes. */
export async function startSmallDisk({ sizeMiB, gc, fill = [], models = {}, poolManagerd = {}, env = {} }: SmallDiskOptions): Promise<SmallDisk> {
  const dir = await mkdtemp(join(tmpdir(), 'corral-disk-'));
  try {
    const system = await startSystem({
      models,
      poolManagerd: { ...poolManagerd, gc: { interval_s: 0, ...gc } },
      env: { MODELS_DIR: dir, NODE_ID: 'n1', NODE_OPTIONS: '', ...env },
      command: ['unshare', '-rm', 'sh', '-c', MOUNT, 'sh', `${sizeMiB}m`, dir, process.execPath, FILL, JSON.stringify(fill), process.execPath, CLI, 'up'],
    });
    return smallDisk(system, dir);
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

function smallDisk(system: System, dir: string): SmallDisk {
  const { corral } = system;
  return {
    system,
    url: corral.url,
    plan: async () => {
      const { status, body } = await call(corral.url, 'POST', '/v2/catalog/gc?dry_run=true');
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      return answerOf((body as { nodes: Record<string, GcPlan> }).nodes);
    },
    collect: async () => {
      const { status, body } = await call(corral.url, 'POST', '/v2/catalog/gc?wait=true');
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      return answerOf(((body as unknown as Operation).result as { nodes: Record<string, GcReport> }).nodes);
    },
    onDisk: async () => lookAt(join(`/proc/${(await processesOf(corral)).poolManagerd}/root`, dir)),
    fillUp: async () => takeEverything(join(`/proc/${(await processesOf(corral)).poolManagerd}/root`, dir, 'filler')),
    metric: async (line) => {
      const text = await (await fetch(new URL('/metrics', corral.poolUrl))).text();
      const found = text.split('\n').find((one) => line.test(one));
      return found === undefined ? undefined : Number(found.split(' ').at(-1));
    },
    stop: async () => {
      await system.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function answerOf<T>(nodes: Record<string, T>): T {
  const answer = nodes['n1'];
  if (answer === undefined || (typeof answer === 'object' && answer !== null && 'error' in answer)) throw new Error(`node n1 answered ${JSON.stringify(nodes)}`);
  return answer;
}

async function takeEverything(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let size = 1_048_576; size >= 1; size = Math.floor(size / 16)) {
      const bytes = Buffer.alloc(size, 1);
      while ((await file.write(bytes).then(({ bytesWritten }) => bytesWritten, () => 0)) === size);
    }
  } finally {
    await file.close();
  }
}

interface IndexedModel {
  readonly id: string;
  readonly path: string;
  readonly size_bytes: number;
  readonly removing?: string;
}

async function lookAt(dir: string): Promise<Awaited<ReturnType<SmallDisk['onDisk']>>> {
  const { models } = JSON.parse(await readFile(join(dir, 'catalog.json'), 'utf8')) as { readonly models: readonly IndexedModel[] };
  const blobs = (await readdir(dir)).filter((name) => name.startsWith('sha256-'));
  const held = new Set(models.map(({ path }) => path));
  const sizes = await Promise.all(models.map(({ path }) => stat(join(dir, path)).then((file) => file.size, () => null)));
  const marked = models.filter(({ removing }) => removing !== undefined).map(({ id }) => id);
  return {
    ids: models.map(({ id }) => id).toSorted(),
    marked,
    contradictions: [
      ...models.filter(({ removing, size_bytes }, n) => removing === undefined && sizes[n] !== size_bytes).map(({ id }) => `${id} has no whole file`),
      ...blobs.filter((name) => !held.has(name)).map((name) => `${name} has no entry`),
    ],
  };
}

export const ruled = (list: readonly { readonly id: string; readonly rule: string }[]): readonly string[] => list.map(({ id, rule }) => `${id} ${rule}`);
