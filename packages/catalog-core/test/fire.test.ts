import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';
import { openCatalog } from '../src/fs/index.js';
import { decodeIndex } from '../src/index.js';
import type { CatalogEntry } from '../src/index.js';

interface Batch {
  readonly at: bigint;
  readonly ops: readonly { readonly op: 'register' | 'pin' | 'retire' | 'delete'; readonly id: string }[];
  isDone: boolean;
}

type Message = { readonly at: string; readonly ops: Batch['ops'] } | { readonly done: string } | { readonly broken: string };

const WRITERS = 8;
const OPERATIONS = 10_000;
const KILLS = 40;

const running = new Set<ChildProcess>();
const folders: string[] = [];
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([...running].map((child) => once(child, 'exit')));
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Everything that a model may be after these batches, in the order in which they were begun: one that was not answered may have happened or not. */
function possible(batches: readonly Batch[]): ReadonlyMap<string, ReadonlySet<string>> {
  const states = new Map<string, Set<string>>();
  for (const { ops, isDone } of batches.toSorted((a, b) => (a.at < b.at ? -1 : 1))) {
    for (const { op, id } of ops) {
      const before = states.get(id) ?? new Set(['absent']);
      const after = [...before].map((state) => (op === 'register' ? 'Active' : op === 'delete' || state === 'absent' ? 'absent' : withOp(state, op)));
      states.set(id, new Set(isDone ? after : [...before, ...after]));
    }
  }
  return states;
}

const withOp = (state: string, op: 'pin' | 'retire') => [...new Set([...(op === 'retire' ? state.replace('Active', 'Retired') : state).split(' '), ...(op === 'pin' ? ['pinned'] : [])])].join(' ');
const stateOf = (entry: CatalogEntry | null) => (entry === null ? 'absent' : [entry.lifecycle, ...(entry.pinned ? ['pinned'] : [])].join(' '));

test('T-64 D-05 D-06 D-07 D-35 10,000 operations of 8 writers that are killed in between leave whole entries with their files, and nothing else', async () => {
  const built = fileURLToPath(new URL('../dist/fs/index.js', import.meta.url));
  if (!existsSync(built)) throw new Error(`${built} is missing; build first with "tsc -b"`);
  const dir = await mkdtemp(join(tmpdir(), 'corral-fire-'));
  folders.push(dir);
  const batches = new Map<string, Batch>();
  const broken: string[] = [];
  let done = 0;
  let lives = 0;

  const start = (writer: number): ChildProcess => {
    lives += 1;
    const child = fork(fileURLToPath(new URL('fire-writer.mjs', import.meta.url)), [dir, `w${writer}-${lives}`, String(lives)], { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } });
    running.add(child);
    child.on('message', (message: Message) => {
      if ('ops' in message) batches.set(message.at, { at: BigInt(message.at), ops: message.ops, isDone: false });
      else if ('broken' in message) broken.push(message.broken);
      else {
        const batch = batches.get(message.done);
        if (batch === undefined) throw new Error('a batch ended that had not begun');
        batch.isDone = true;
        done += batch.ops.length;
      }
    });
    return child;
  };
  const end = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    running.delete(child);
  };

  const writers = Array.from({ length: WRITERS }, (_, n) => start(n));
  for (let kills = 0; (done < OPERATIONS || kills < KILLS) && broken.length === 0; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Spread over the whole run, whatever the machine's pace.
    if (done < (kills * OPERATIONS) / KILLS) continue;
    const victim = kills % WRITERS;
    kills += 1;
    await end(writers[victim] as ChildProcess);
    const decoded = decodeIndex(await readFile(join(dir, 'catalog.json'), 'utf8').catch(() => '{"schema_version":1,"models":[]}'), dir);
    expect(decoded.kind).toBe('index');
    writers[victim] = start(victim);
  }
  await Promise.all(writers.map(end));
  expect(broken).toEqual([]);
  expect(done).toBeGreaterThanOrEqual(OPERATIONS);

  const { store, scan } = await openCatalog(dir);
  try {
    expect(scan.suspect).toEqual([]);
    const states = possible([...batches.values()]);
    const wrong = [...states].filter(([id, allowed]) => !allowed.has(stateOf(store.get(id)))).map(([id, allowed]) => ({ id, is: stateOf(store.get(id)), allowed: [...allowed] }));
    expect(wrong).toEqual([]);
    expect(store.list().filter(({ id }) => !states.has(id))).toEqual([]);
    // A file without an entry is only what a killed registration left, and is named by the scan.
    const registered = new Set(store.list().map(({ localPath }) => localPath.slice(dir.length + 1)));
    const files = (await readdir(dir)).filter((file) => file.startsWith('sha256-'));
    expect(files.filter((file) => !registered.has(file)).sort()).toEqual(scan.unreferenced);
    const certain = new Set([...states].flatMap(([id, allowed]) => (allowed.size === 1 && allowed.has('absent') ? [`sha256-${createHash('sha256').update(id).digest('hex')}`] : [])));
    expect(scan.unreferenced.filter((file) => certain.has(file))).toEqual([]);
    for (const { localPath, digest } of store.list()) expect(`sha256:${createHash('sha256').update(await readFile(localPath)).digest('hex')}`).toBe(digest);
  } finally {
    await store.close();
  }
}, 900_000);
