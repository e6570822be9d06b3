import { compareText } from '../compare-text.js';
import type { ResidencyNode, ResidencyPool, ResidencyReplica, WantedModel } from './residency-input.js';
import type { LoadCost, LoadStep } from './residency-plan.js';

/** A load in one pool with those that make room for it. */
export interface PoolLoad {
  readonly pool: ResidencyPool;
  readonly node: ResidencyNode;
  readonly needBytes: number;
  readonly yields: readonly ResidencyReplica[];
}

/** One day stands for everything longer, such as a bandwidth of 0. */
const MAX_MOVE_MS = 86_400_000;

/** What a load costs, `waitMs` from now. [DESIGN 4] */
export function loadCost(wanted: WantedModel, load: PoolLoad, waitMs: number): LoadCost {
  const { pool, node, yields } = load;
  const queueMs = pool.queueMs ?? 0;
  const drainMs = Math.max(0, ...draining(load).map(({ drainEstimateMs }) => drainEstimateMs));
  const fetchMs = node.weights === 'absent' ? moveMs(movedBytes(wanted, load.needBytes), node.bytesPerS.network) : 0;
  const loadMs = loadMsOf(wanted, load);
  const yieldMs = yields.reduce((sum, { bytes, queued }) => sum + moveMs(bytes, node.bytesPerS.onDisk) * (1 + queued), 0);
  return { queueMs, waitMs, drainMs, fetchMs, loadMs, yieldMs, totalMs: queueMs + waitMs + drainMs + fetchMs + loadMs + yieldMs };
}

/** The steps of a load in order: who goes at once, who drains, then the load itself. */
export function loadSteps(wanted: WantedModel, load: PoolLoad): readonly LoadStep[] {
  const dropped = load.yields.filter(({ leases }) => leases === 0);
  return [
    ...dropped.map(({ replicaId, bytes }): LoadStep => ({ kind: 'drop', replicaId, bytes, estimatedMs: 0 })),
    ...draining(load).map(({ replicaId, bytes, drainEstimateMs }): LoadStep => ({
      kind: 'drain',
      replicaId,
      bytes,
      estimatedMs: drainEstimateMs,
    })),
    { kind: 'load', replicaId: null, bytes: loadedBytes(wanted, load), estimatedMs: loadMsOf(wanted, load) },
  ];
}

/** Free memory before anything yields: what drains still counts as held. */
export function freeBytesOf(pool: ResidencyPool): number {
  const held = pool.replicas.filter(({ state }) => state !== 'failed').reduce((sum, { bytes }) => sum + bytes, 0);
  return usableBytesOf(pool) - held;
}

/** Memory that replicas can have at all. */
export function usableBytesOf({ memoryTotalBytes, memoryOtherBytes = 0 }: ResidencyPool): number {
  return memoryTotalBytes - memoryOtherBytes;
}

/** Bytes to move for the weights. */
export function movedBytes(wanted: WantedModel, needBytes: number): number {
  return wanted.weightsBytes ?? needBytes;
}

export function moveMs(bytes: number, bytesPerS: number): number {
  if (bytes <= 0) return 0;
  return Math.min(MAX_MOVE_MS, bytesPerS > 0 ? Math.ceil((bytes / bytesPerS) * 1000) : MAX_MOVE_MS);
}

/** Replicas whose requests have to end first: those that yield with requests, and those that drain already where their room is needed. */
function draining({ pool, needBytes, yields }: PoolLoad): readonly ResidencyReplica[] {
  const onTheirWay = pool.replicas.filter(({ state }) => state === 'draining').sort((a, b) => compareText(a.replicaId, b.replicaId));
  const freedBytes = yields.reduce((sum, { bytes }) => sum + bytes, freeBytesOf(pool));
  const present = pool.replicas.filter(({ state }) => state !== 'failed').length - yields.length;
  const needed = freedBytes < needBytes || present + 1 > (pool.replicasMax ?? Infinity);
  return [...yields.filter(({ leases }) => leases > 0), ...(needed ? onTheirWay : [])];
}

function loadedBytes(wanted: WantedModel, { node, needBytes }: PoolLoad): number {
  return node.weights === 'device' ? 0 : movedBytes(wanted, needBytes);
}

function loadMsOf(wanted: WantedModel, load: PoolLoad): number {
  const { staged, onDisk } = load.node.bytesPerS;
  return moveMs(loadedBytes(wanted, load), load.node.weights === 'staged' ? staged : onDisk);
}
