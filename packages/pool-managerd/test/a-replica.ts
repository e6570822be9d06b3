import type { ParkingRules } from '../src/replicas/plan-parking.js';
import type { Failure } from '../src/replicas/failure.js';
import { newReplica } from '../src/replicas/new-replica.js';
import type { WantedReplica } from '../src/replicas/plan-replicas.js';
import { replicaKey } from '../src/replicas/replica.js';
import type { Replica, ReplicaPhase } from '../src/replicas/replica.js';
import type { RestartPolicy } from '../src/replicas/restart-policy.js';
import { NO_FAILURES } from '../src/replicas/restart-record.js';

/** A replica that is wanted in pool p1; 40 bytes, one slot of 256 tokens, order 1, generation 1. */
export function aWanted(name: string, over: Partial<WantedReplica> = {}): WantedReplica {
  const shape = { poolId: over.poolId ?? 'p1', device: 'cpu', modelId: name, digest: `sha256:${name}`, engineId: null, contextTokens: 256, slots: 1 };
  return { ...shape, key: replicaKey(shape), modelPath: `/models/${name}.gguf`, memoryBytes: 40, order: 1, latestGeneration: 1, isVerified: true, ...over };
}

/** Replica `name` of pool p1, as `aWanted(name)` asks for it, in this phase. */
export function aReplica(name: string, phase: ReplicaPhase, over: Partial<Replica> = {}): Replica {
  return { ...newReplica(aWanted(name), { replicaId: name, threads: 1, nowMs: 0, restart: NO_FAILURES }), phase, ...over };
}

/** As configured by default. */
export const POLICY: RestartPolicy = {
  backoffInitialMs: 1_000, backoffMaxMs: 60_000, backoffDeviceFactor: 2, backoffResetMs: 300_000,
  breakerThreshold: 5, breakerOpenMs: 300_000, breakerOpenMaxMs: 3_600_000, breakerCloseMs: 60_000,
  restartsMax: 10, restartWindowMs: 60_000, restartResetMs: 600_000,
};

export const REFUSED: Failure = { kind: 'load', reason: 'refused', message: 'it broke' };
export const KILLED: Failure = { kind: 'crash', reason: 'sigkill', message: 'somebody killed it' };

export const waiting: ReplicaPhase = { state: 'waiting', sinceMs: 0 };
export const loading: ReplicaPhase = { state: 'loading', sinceMs: 0, fraction: null };
export const resident: ReplicaPhase = { state: 'resident', sinceMs: 0, readyAtMs: 0, pid: 7, socketPath: '/s' };
export const stopping: ReplicaPhase = { state: 'stopping', sinceMs: 0, pid: 7 };
export const parking: ReplicaPhase = { state: 'parking', sinceMs: 0, pid: 7, socketPath: '/s' };
export const parkedAt = (sinceMs: number, heldBytes = 5, wantedSinceMs: number | null = null): ReplicaPhase => ({ state: 'parked', sinceMs, pid: 7, socketPath: '/s', heldBytes, wantedSinceMs });
export const resuming: ReplicaPhase = { state: 'resuming', sinceMs: 0, pid: 7, socketPath: '/s' };
/** Nothing may be parked. */
export const NO_PARKING: ParkingRules = { keys: new Set(), maxParked: 0, isStagingShort: false };
export const draining = (deadlineMs: number): ReplicaPhase => ({ state: 'draining', sinceMs: 0, readyAtMs: 0, deadlineMs, pid: 7, socketPath: '/s' });
export const failedUntil = (retryAtMs: number | null): ReplicaPhase => ({
  state: 'failed',
  sinceMs: 0,
  failure: retryAtMs === null ? { kind: 'memory', reason: 'memory', message: 'it broke' } : REFUSED,
  retryAtMs,
});
