import { newReplica } from '../src/replicas/new-replica.js';
import type { WantedReplica } from '../src/replicas/plan-replicas.js';
import { replicaKey } from '../src/replicas/replica.js';
import type { Replica, ReplicaPhase } from '../src/replicas/replica.js';

/** A replica that is wanted in pool p1; 40 bytes, one slot of 256 tokens, order 1, generation 1. */
export function aWanted(name: string, over: Partial<WantedReplica> = {}): WantedReplica {
  const shape = { poolId: over.poolId ?? 'p1', device: 'cpu', digest: `sha256:${name}`, contextTokens: 256, slots: 1 };
  return { ...shape, key: replicaKey(shape), modelId: name, modelPath: `/models/${name}.gguf`, memoryBytes: 40, order: 1, latestGeneration: 1, isVerified: true, ...over };
}

/** Replica `name` of pool p1, as `aWanted(name)` asks for it, in this phase. */
export function aReplica(name: string, phase: ReplicaPhase, over: Partial<Replica> = {}): Replica {
  return { ...newReplica(aWanted(name), { replicaId: name, threads: 1, nowMs: 0 }), phase, ...over };
}

export const waiting: ReplicaPhase = { state: 'waiting', sinceMs: 0 };
export const loading: ReplicaPhase = { state: 'loading', sinceMs: 0, fraction: null };
export const resident: ReplicaPhase = { state: 'resident', sinceMs: 0, readyAtMs: 0, pid: 7 };
export const stopping: ReplicaPhase = { state: 'stopping', sinceMs: 0, pid: 7 };
export const draining = (deadlineMs: number): ReplicaPhase => ({ state: 'draining', sinceMs: 0, readyAtMs: 0, deadlineMs, pid: 7 });
export const failedUntil = (retryAtMs: number | null): ReplicaPhase => ({
  state: 'failed',
  sinceMs: 0,
  failure: { kind: retryAtMs === null ? 'memory' : 'load', message: 'it broke' },
  retryAtMs,
});
