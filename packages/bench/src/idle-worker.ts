import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLlamacppEngine, type StandbyState } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { figure, median, table } from './figures.js';
import { PUBLIC_LOAD_CHILD } from './public-load.js';

const ROUNDS = 7;

interface Start {
  readonly ms: number;
  readonly pssBytes: number;
}

/** Start of an idle engine worker and what it holds, against a process that is initialised by node-llama-cpp's public calls. */
const cacheDir = await mkdtemp(join(tmpdir(), 'corral-idle-'));
const engine = createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog, cacheDir });

async function pssBytes(pid: number): Promise<number> {
  return Number(/^Pss:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * 1_024;
}

async function idleWorker(): Promise<Start> {
  const startedMs = performance.now();
  let told: (state: StandbyState) => void = () => undefined;
  const ready = new Promise<StandbyState>((resolve) => (told = (state) => state.ready > 0 && resolve(state)));
  const standby = engine.standBy({ deviceKind: 'cpu', deviceMask: '' }, { workers: 1, log: silentLog, onChange: (state) => told(state) });
  try {
    const { pids } = await ready;
    const ms = performance.now() - startedMs;
    return { ms, pssBytes: await pssBytes(pids[0] ?? 0) };
  } finally {
    await standby.close();
  }
}

async function publicProcess(): Promise<Start> {
  const startedMs = performance.now();
  const child = fork(PUBLIC_LOAD_CHILD, { execArgv: [], env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
  const exited = once(child, 'exit');
  try {
    await once(child, 'message');
    const ms = performance.now() - startedMs;
    return { ms, pssBytes: await pssBytes(child.pid ?? 0) };
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

try {
  // The first of a machine tests the native code.
  await idleWorker();
  const seen = { worker: [] as Start[], reference: [] as Start[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    seen.reference.push(await publicProcess());
    seen.worker.push(await idleWorker());
  }
  const ms = (starts: readonly Start[]): number => median(starts.map((start) => start.ms));
  const mb = (starts: readonly Start[]): number => median(starts.map((start) => start.pssBytes)) / 1e6;
  table(`idle engine worker, cpu, median of ${ROUNDS}`, ['', 'worker', 'public calls', 'ratio'], [
    ['start, ms', figure(ms(seen.worker)), figure(ms(seen.reference)), figure(ms(seen.worker) / ms(seen.reference))],
    ['PSS, MB', figure(mb(seen.worker)), figure(mb(seen.reference)), figure(mb(seen.worker) / mb(seen.reference))],
  ]);
} finally {
  await rm(cacheDir, { recursive: true, force: true });
}
