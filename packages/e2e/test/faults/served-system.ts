import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import { call, ONE_THREAD } from '../served.js';
import { processesOf } from './processes.js';

export interface ReplicaSeen {
  readonly replica_id: string;
  readonly model_id: string;
  readonly state: string;
  readonly pid: number | null;
  readonly last_error: string | null;
}

export interface PoolSeen {
  readonly pool_id: string;
  readonly ready: boolean;
  readonly last_error: string | null;
  readonly slots_total: number;
  readonly slots_free: number;
  readonly active_leases: number;
  readonly replicas: readonly ReplicaSeen[];
}

export interface SystemOptions {
  readonly models: Readonly<Record<string, object>>;
  /** Sections of the configuration file. Where nothing else is said a busy machine has two minutes for a load. */
  readonly orchestratord?: object;
  readonly poolManagerd?: object;
  readonly pools?: readonly object[];
  readonly env?: Readonly<Record<string, string>>;
  /** Initialised processes without a model. Default 0, so that every process is a replica's. */
  readonly idleWorkers?: number;
  /** Default: the built CLI. */
  readonly command?: readonly [string, ...string[]];
}

/** A running home profile whose sockets lie in a directory of its own, so that what is left behind is seen. */
export interface System {
  readonly corral: Corral;
  readonly socketRoot: string;
  readonly idleWorkers: number;
  stop(): Promise<void>;
}

export async function startSystem({ models, orchestratord = {}, poolManagerd = {}, pools, env = {}, idleWorkers = 0, command }: SystemOptions): Promise<System> {
  // Short: a socket's path has at most 107 bytes.
  const dir = await mkdtemp(join(tmpdir(), 'cf-'));
  const config = join(dir, 'corral.json');
  await writeFile(config, JSON.stringify({ orchestratord: { demand_load_wait_ms: 120_000, ...orchestratord }, pool_managerd: poolManagerd }));
  const socketRoot = await mkdtemp(join(dir, 's-'));
  // Where it is said in the file.
  const { DEMAND_LOAD_WAIT_MS: _patience, ...oneThread } = ONE_THREAD;
  try {
    const corral = await startCorral({
      manifest: { version: 1, models, ...(pools === undefined ? {} : { pools }) },
      args: ['--config', config],
      ...(command === undefined ? {} : { command }),
      env: { ...oneThread, IDLE_WORKERS: String(idleWorkers), TMPDIR: socketRoot, ...env },
    });
    return {
      corral,
      socketRoot,
      idleWorkers,
      stop: async () => {
        await corral.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** As one of the two sees them: the control plane at `corral.url`, which may want a key, the node at `corral.poolUrl`. */
export async function poolsAt(url: string, key?: string): Promise<readonly PoolSeen[]> {
  return (await call(url, 'GET', '/v2/pools', undefined, key)).body['data'] as readonly PoolSeen[];
}

export async function replicaOf(corral: Corral, modelId: string): Promise<ReplicaSeen | undefined> {
  return (await poolsAt(corral.poolUrl)).flatMap((pool) => pool.replicas).find((replica) => replica.model_id === modelId);
}

/** Pid of the worker that serves a model, once there is one. */
export async function residentPid(corral: Corral, modelId: string): Promise<number> {
  return await eventually(`${modelId} is resident`, 120_000, async () => {
    const replica = await replicaOf(corral, modelId).catch(() => undefined);
    return replica?.state === 'resident' && replica.pid;
  });
}

/** Waits until one request of a model runs at its node. */
export async function running(corral: Corral): Promise<void> {
  await eventually('a request runs', 120_000, async () => (await poolsAt(corral.poolUrl).catch(() => [])).some((pool) => pool.active_leases > 0));
}

/**
 * Waits until the system holds nothing on anyone's behalf: every slot free on both sides, as many sockets as
 * there are replicas with a model, and no engine process beside those and the idle ones.
 */
export async function atRest({ corral, socketRoot, idleWorkers }: System, key?: string): Promise<void> {
  let seen: object = {};
  const isAtRest = async (): Promise<boolean> => {
    const [control, node] = await Promise.all([poolsAt(corral.url, key), poolsAt(corral.poolUrl)]);
    const [{ engines }, sockets] = await Promise.all([processesOf(corral), readdir(socketRoot)]);
    const living = node.flatMap((pool) => pool.replicas).filter(({ state }) => state === 'resident' || state === 'parked').map(({ pid }) => pid);
    const dirs = sockets.filter((name) => name.startsWith('corral-w'));
    seen = { control, node, engines, dirs };
    const free = [...control, ...node].every((pool) => pool.slots_free === pool.slots_total && pool.active_leases === 0);
    return node.length > 0 && free && living.every((pid) => pid !== null && engines.includes(pid)) && engines.length === living.length + idleWorkers && dirs.length === living.length;
  };
  await eventually('the system is at rest', 120_000, async () => await isAtRest().catch(() => false)).catch((error: unknown) => {
    throw new Error(`${String(error)}; last seen: ${JSON.stringify(seen)}`);
  });
}
