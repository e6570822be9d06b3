import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import type { Assignment, AssignmentStatus, GenerateRequest, PoolStatus } from '@corral/contracts';
import type { EngineProvider } from '@corral/engine';
import { createHttpClient, loadConfig, recordingLog, Shutdown, silentLog, systemClock } from '@corral/service-kit';
import type { HttpClient, RecordedLine } from '@corral/service-kit';
import { aGenerateRequest, scriptedEngine } from '@corral/test-kit';
import type { GenerateChanges } from '@corral/test-kit';
import { configSpec, startNode } from '../src/index.js';
import type { RunningNode } from '../src/index.js';
import { anAssignment } from './an-assignment.js';
import { ControlPlaneStub } from './control-plane.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export interface NodeOptions {
  readonly engine?: EngineProvider;
  readonly environment?: Readonly<Record<string, string>>;
  /** What the tools of provisioners run in. Default: nothing. */
  readonly toolEnvironment?: Readonly<Record<string, string>>;
  /** Settings as a file has them. */
  readonly settings?: object;
  readonly stateDir?: string;
  readonly controlPlane?: ControlPlaneStub;
}

/** Settings that make a test quick: faults show within seconds, and a machine that is busy with others is none. */
const QUICK = {
  models: { retry_initial_ms: 50, retry_max_ms: 100 },
  replicas: { memory_grace_ms: 100, stop_ms: 500, probe_timeout_ms: 10_000, load_stall_ms: 10_000 },
  supervision: { backoff_initial_ms: 50, backoff_max_ms: 100, health_check_timeout_ms: 10_000 },
  // Tests count processes.
  idle_workers: 0,
  control_plane: { settle_ms: 500, retry_initial_ms: 20, retry_max_ms: 100, gap_ms: 5, detail_ms: 50 },
  shutdown_grace_ms: 100,
};

/** A node daemon in this process: real HTTP, real child processes, a scripted engine unless told otherwise. */
export class NodeUnderTest {
  private constructor(
    readonly running: RunningNode,
    readonly stateDir: string,
    readonly controlPlane: ControlPlaneStub,
    readonly client: HttpClient,
    readonly log: readonly RecordedLine[],
    /** Ends the node as a signal does. */
    readonly stop: () => Promise<void>,
  ) {}

  static async start({ engine = scriptedEngine(), environment = {}, toolEnvironment = {}, settings = {}, stateDir, controlPlane }: NodeOptions = {}): Promise<NodeUnderTest> {
    const dir = stateDir ?? (await aStateDir());
    const stub = controlPlane ?? (await aControlPlane());
    const file = { name: 'test', value: merged(QUICK, settings), lineOf: () => undefined };
    const config = loadConfig(configSpec, { file, environment: { NODE_ID: 'n1', ALLOW_CPU_POOLS: 'true', POOL_MANAGERD_ADDR: '127.0.0.1:0', ORCHESTRATOR_URL: stub.url, CORRAL_STATE_DIR: dir, ...environment } });
    const { log, lines } = recordingLog();
    const shutdown = new Shutdown(silentLog);
    closing.push(() => shutdown.run());
    const running = await startNode({ config, engine, env: toolEnvironment, log, shutdown, clock: systemClock, random: Math.random });
    const client = createHttpClient({ baseUrl: running.url });
    closing.push(() => client.close());
    return new NodeUnderTest(running, dir, stub, client, lines, () => shutdown.run());
  }

  /** A model file of so many bytes, and an assignment that wants it on this node. */
  async aModel(name: string, over: Partial<Assignment> = {}, bytes = 1_000_000): Promise<Assignment> {
    const path = join(this.stateDir, `${name}.gguf`);
    await writeFile(path, Buffer.alloc(bytes, name));
    const { model, target } = anAssignment(name);
    return anAssignment(name, { target: { ...target, pool_id: 'n1-cpu' }, ...over, model: { ...model, sources: [`file:${path}`], ...over.model } });
  }

  /** Posts commands and returns their outcomes. */
  async post(...assignments: readonly Assignment[]): Promise<readonly string[]> {
    const events = assignments.map((data, n) => ({
      specversion: '1.0',
      id: `event-${n}`,
      type: data.wanted === 'absent' ? 'orchestrator.unload' : 'orchestrator.load',
      source: 'orchestratord',
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      data,
    }));
    const { data } = await this.client.json<{ data: { outcome: string }[] }>('POST', '/v2/events', events.length === 1 ? events[0] : events);
    return data.map(({ outcome }) => outcome);
  }

  async pools(): Promise<readonly PoolStatus[]> {
    return (await this.client.json<{ data: PoolStatus[] }>('GET', '/v2/pools')).data;
  }

  async pool(poolId = 'n1-cpu'): Promise<PoolStatus> {
    return await this.client.json<PoolStatus>('GET', `/v2/pools/${poolId}/status`);
  }

  async status(instanceId: string): Promise<AssignmentStatus | undefined> {
    const { data } = await this.client.json<{ data: { instance_id: string; status: AssignmentStatus }[] }>('GET', '/v2/assignments');
    return data.find((one) => one.instance_id === instanceId)?.status;
  }

  /** Resolves with the first look that satisfies; fails with the last one. */
  async until<T>(look: () => Promise<T> | T, isEnough: (seen: T) => boolean, limitMs = 60_000): Promise<T> {
    const endMs = systemClock.monotonicMs() + limitMs;
    for (;;) {
      const seen = await look();
      if (isEnough(seen)) return seen;
      if (systemClock.monotonicMs() > endMs) throw new Error(`never seen; last: ${JSON.stringify(seen)}`);
      await systemClock.sleep(15);
    }
  }

  untilReady(poolId = 'n1-cpu'): Promise<unknown> {
    return this.until(() => this.pools(), (pools) => pools.some((pool) => pool.pool_id === poolId && pool.ready));
  }

  untilResidency(instanceId: string, residency: AssignmentStatus['residency']): Promise<AssignmentStatus | undefined> {
    return this.until(() => this.status(instanceId), (status) => status?.residency === residency);
  }

  /** Makes a model resident and returns the id of its replica. */
  async load(assignment: Assignment): Promise<string> {
    await this.untilReady(assignment.target.pool_id);
    await this.post(assignment);
    const status = await this.until(() => this.status(assignment.instance_id), (seen) => seen?.generation === assignment.generation && seen.residency === 'resident');
    return status?.replica_id ?? '';
  }

  /** Sends a task as orchestratord does; the answer comes as a stream. */
  task(changes: GenerateChanges, { poolId = 'n1-cpu', signal }: { readonly poolId?: string; readonly signal?: AbortSignal } = {}) {
    const request: GenerateRequest = aGenerateRequest(changes);
    return this.client.pool.request({
      method: 'POST',
      path: `/v2/pools/${poolId}/tasks`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      headersTimeout: 0,
      bodyTimeout: 0,
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

export async function aStateDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'node-test-'));
  closing.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

export async function aControlPlane(): Promise<ControlPlaneStub> {
  const stub = await ControlPlaneStub.start();
  closing.push(() => stub.close());
  return stub;
}

/** Whether a process with this pid is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Engine workers that are children of this process, as the system sees them. */
export function workerPids(parent = process.pid): readonly number[] {
  const tasks = readdirSync(`/proc/${parent}/task`);
  const children = tasks.flatMap((task) => readText(`/proc/${parent}/task/${task}/children`).split(' ').filter((pid) => pid !== ''));
  return children.filter((pid) => /(scripted-engine|llamacpp)[/]worker[.]js/.test(readText(`/proc/${pid}/cmdline`))).map(Number);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Ended meanwhile.
    return '';
  }
}

function merged(base: object, over: object): object {
  const groups = base as Record<string, unknown>;
  const changes = Object.entries(over).map(([key, value]) => [key, typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...(groups[key] as object), ...(value as object) } : (value as unknown)]);
  return { ...base, ...Object.fromEntries(changes) };
}
