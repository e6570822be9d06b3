import { planWaiters } from '../src/residency/plan-waiters.js';
import type { ResidencyPool, ResidencyReplica } from '../src/residency/residency-input.js';
import { aNode, aPlace, aWanted } from './residency-builders.js';

export interface SimulatedModel {
  readonly bytes: number;
  /** Clients that each send the next task `thinkMs` after the last one ended. */
  readonly clients: number;
  readonly thinkMs: number;
  readonly serviceMs: number;
}

export interface Simulation {
  readonly models: readonly SimulatedModel[];
  /** Memory of each pool. */
  readonly pools: readonly number[];
  readonly quantumMs: number;
  readonly msPerByte: number;
  readonly forMs: number;
  /** Every so many-th load of each model finds no room at its node, though the plan has made some; 0 = none. */
  readonly refuseEvery?: number;
}

export interface SimulationResult {
  /** Longest time from a task's arrival to its start, per model; a task that never started counts up to the end. */
  readonly longestWaitMs: readonly number[];
  readonly served: readonly number[];
  readonly loads: number;
  /** Loads that drained a replica with requests before it had served a quantum. */
  readonly cutShort: number;
}

interface Task {
  readonly model: number;
  readonly arrivalSeq: number;
  readonly arrivedMs: number;
}

interface Replica {
  readonly id: string;
  readonly model: number;
  readonly pool: number;
  state: ResidencyReplica['state'];
  /** Its node will have no room for it. */
  readonly isRefused: boolean;
  readyMs: number;
  idleSinceMs: number;
  endsMs: number[];
}

const TICK_MS = 10;
const SLOTS = 4;
/** What the first refusal in a row costs; each further one twice as much. */
export const REFUSED_MS = 40;

/** Closed-loop clients against pools that follow `planWaiters`, tick by tick: what the control plane and its nodes do. */
export function simulate({ models, pools, quantumMs, msPerByte, forMs, refuseEvery = 0 }: Simulation): SimulationResult {
  const refusals = new Map<number, { pool: number; times: number; untilMs: number }>();
  const sendAtMs = models.map(({ clients }) => Array.from({ length: clients }, () => 0));
  const longestWaitMs = models.map(() => 0);
  const served = models.map(() => 0);
  let queue: Task[] = [];
  let replicas: Replica[] = [];
  let arrivals = 0;
  let loads = 0;
  const loadsOf = models.map(() => 0);
  let cutShort = 0;

  const stays = ({ state }: Replica): boolean => state !== 'draining';
  const bytesOf = (replica: Replica): number => models[replica.model]?.bytes ?? 0;
  const oldestOf = (model: number): Task | undefined => queue.find((task) => task.model === model);
  const waitingModels = (): number[] =>
    models.flatMap((_, model) => (oldestOf(model) !== undefined && !replicas.some((r) => r.model === model && stays(r)) ? [model] : []));

  for (let nowMs = 0; nowMs < forMs; nowMs += TICK_MS) {
    for (const replica of replicas) {
      const running = replica.endsMs.filter((endMs) => endMs > nowMs);
      for (const _ of replica.endsMs.slice(running.length)) sendAtMs[replica.model]?.push(nowMs + (models[replica.model]?.thinkMs ?? 0));
      if (running.length < replica.endsMs.length) replica.idleSinceMs = nowMs;
      replica.endsMs = running;
    }
    replicas = replicas.filter(({ state, endsMs }) => state !== 'draining' || endsMs.length > 0);
    for (const replica of replicas) {
      const held = replicas
        .filter(({ pool, state }) => pool === replica.pool && state !== 'waiting')
        .reduce((sum, other) => sum + bytesOf(other), 0);
      if (replica.state === 'waiting' && replica.isRefused) {
        const times = (refusals.get(replica.model)?.times ?? 0) + 1;
        refusals.set(replica.model, { pool: replica.pool, times, untilMs: nowMs + REFUSED_MS * 2 ** (times - 1) });
        replica.state = 'failed';
      } else if (replica.state === 'waiting' && held + bytesOf(replica) <= (pools[replica.pool] ?? 0)) {
        replica.state = 'loading';
        replica.readyMs = nowMs + bytesOf(replica) * msPerByte;
      } else if (replica.state === 'loading' && replica.readyMs <= nowMs) {
        replica.state = 'resident';
        refusals.delete(replica.model);
        replica.readyMs = nowMs;
        replica.idleSinceMs = nowMs;
      }
    }
    replicas = replicas.filter(({ state }) => state !== 'failed');
    sendAtMs.forEach((times, model) => {
      for (const _ of times.filter((atMs) => atMs <= nowMs)) queue.push({ model, arrivalSeq: arrivals++, arrivedMs: nowMs });
      sendAtMs[model] = times.filter((atMs) => atMs > nowMs);
    });

    const waiting = waitingModels();
    const othersSinceMs = Math.min(...waiting.map((model) => oldestOf(model)?.arrivedMs ?? nowMs));
    const places = pools.map((memoryTotalBytes, pool): ResidencyPool => {
      const here = replicas.filter((replica) => replica.pool === pool);
      const snapshots = here.map((replica): ResidencyReplica => ({
        replicaId: replica.id,
        modelKey: `m${replica.model}`,
        bytes: bytesOf(replica),
        state: replica.state,
        leases: replica.endsMs.length,
        queued: queue.filter(({ model }) => model === replica.model).length,
        tier: 'demand',
        pinned: false,
        servingMs: Math.max(0, nowMs - Math.max(replica.readyMs, othersSinceMs)),
        idleMs: replica.endsMs.length > 0 ? 0 : nowMs - replica.idleSinceMs,
        drainEstimateMs: Math.max(0, ...replica.endsMs.map((endMs) => endMs - nowMs)),
      }));
      return aPlace(`p${pool}`, snapshots, { memoryTotalBytes });
    });
    const node = aNode('n1', { bytesPerS: { staged: 1000 / msPerByte, onDisk: 1000 / msPerByte, network: 1 } });
    const wanted = waiting.map((model) => {
      const { arrivalSeq = 0, arrivedMs = nowMs } = oldestOf(model) ?? {};
      const needBytes = models[model]?.bytes ?? 0;
      const refused = refusals.get(model);
      const refusedIn = new Map(refused === undefined ? [] : [[`p${refused.pool}`, refused.untilMs - nowMs]]);
      return { wanted: aWanted({ modelKey: `m${model}`, needBytes, arrivalSeq, waitingMs: nowMs - arrivedMs, refusedIn }), nodes: [node] };
    });
    for (const { wanted: one, plan } of planWaiters(wanted, places, { quantumMs })) {
      if (plan.kind !== 'load') continue;
      loads += 1;
      for (const { replicaId, mode } of plan.yields) {
        const replica = replicas.find(({ id }) => id === replicaId);
        if (replica === undefined) continue;
        if (mode === 'drain' && nowMs - replica.readyMs < quantumMs) cutShort += 1;
        replica.state = 'draining';
      }
      const model = Number(one.modelKey.slice(1));
      const ownLoads = (loadsOf[model] ?? 0) + 1;
      loadsOf[model] = ownLoads;
      replicas.push({
        id: `r${loads}`,
        model,
        pool: Number(plan.poolId.slice(1)),
        state: 'waiting',
        isRefused: refuseEvery > 0 && ownLoads % refuseEvery === 0,
        readyMs: 0,
        idleSinceMs: nowMs,
        endsMs: [],
      });
    }

    for (const replica of replicas.filter(({ state }) => state === 'resident')) {
      const { serviceMs = 0 } = models[replica.model] ?? {};
      for (let task = oldestOf(replica.model); task !== undefined && replica.endsMs.length < SLOTS; task = oldestOf(replica.model)) {
        const started = task;
        queue = queue.filter((other) => other !== started);
        replica.endsMs.push(nowMs + serviceMs);
        served[replica.model] = (served[replica.model] ?? 0) + 1;
        longestWaitMs[replica.model] = Math.max(longestWaitMs[replica.model] ?? 0, nowMs - started.arrivedMs);
      }
    }
  }
  for (const { model, arrivedMs } of queue) longestWaitMs[model] = Math.max(longestWaitMs[model] ?? 0, forMs - arrivedMs);
  return { longestWaitMs, served, loads, cutShort };
}
