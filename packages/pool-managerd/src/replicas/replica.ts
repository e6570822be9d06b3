import type { Failure } from './failure.js';
import type { RestartRecord } from './restart-record.js';

/** What makes two assignments share one replica: the same model, by name and by bytes, in the same shape in the same pool. */
export interface ReplicaShape {
  readonly poolId: string;
  /** Of the pool when the replica was made; a pool that moves to another device starts its replicas anew. */
  readonly device: string;
  /** As the control plane calls it: two names of one file have a replica each, so that each of them is seen to be there. */
  readonly modelId: string;
  readonly digest: string;
  /** The bundle that its process runs; `null` where the engine has none. */
  readonly engineId: string | null;
  /** Tokens per slot. */
  readonly contextTokens: number;
  readonly slots: number;
}

/** Where a replica is in its life. Each state carries only what is true in it. Times are monotonic milliseconds. */
export type ReplicaPhase =
  /** Its turn or its memory has not come. No process. */
  | { readonly state: 'waiting'; readonly sinceMs: number }
  | { readonly state: 'loading'; readonly sinceMs: number; readonly fraction: number | null }
  | { readonly state: 'resident'; readonly sinceMs: number; readonly readyAtMs: number; readonly pid: number; readonly socketPath: string }
  /** Takes no more work; what runs may end until the deadline. */
  | { readonly state: 'draining'; readonly sinceMs: number; readonly readyAtMs: number; readonly deadlineMs: number; readonly pid: number; readonly socketPath: string }
  /** Its context is being dropped. Its memory counts in full until that is done. */
  | { readonly state: 'parking'; readonly sinceMs: number; readonly pid: number; readonly socketPath: string }
  /** Its process keeps the model and has no context: it serves nobody and holds `heldBytes`. `wantedSinceMs`: it waits for the memory of its context. [C-250] */
  | { readonly state: 'parked'; readonly sinceMs: number; readonly pid: number; readonly socketPath: string; readonly heldBytes: number; readonly wantedSinceMs: number | null }
  /** Its context is being made again. */
  | { readonly state: 'resuming'; readonly sinceMs: number; readonly pid: number; readonly socketPath: string }
  /** Its process is being ended. Its memory counts until the process is gone; `heldBytes` where it was parked. */
  | { readonly state: 'stopping'; readonly sinceMs: number; readonly pid: number | null; readonly heldBytes?: number }
  /** No process. `memory` failures have no time of their own. */
  | { readonly state: 'failed'; readonly sinceMs: number; readonly failure: Failure; readonly retryAtMs: number | null };

/** One engine process serving one model, from the decision to start it until it is gone. */
export interface Replica extends ReplicaShape {
  readonly replicaId: string;
  readonly key: string;
  readonly modelPath: string;
  /** Estimated until the engine has measured it. */
  readonly memoryBytes: number;
  /** What it would hold parked, as far as is known before; `null` = it cannot be parked. */
  readonly parkBytes: number | null;
  readonly threads: number;
  readonly phase: ReplicaPhase;
  readonly restart: RestartRecord;
  readonly lastError: string | null;
  /** Newest generation of the assignments for which it was last started or retried. */
  readonly generation: number;
}

/** One text per shape; equal shapes have equal keys. */
export function replicaKey({ poolId, device, modelId, digest, engineId, contextTokens, slots }: ReplicaShape): string {
  return `${poolId}|${device}|${modelId}|${digest}|${contextTokens}x${slots}${engineId === null ? '' : `|${engineId}`}`;
}

/** Whether a replica key is one of this pool. */
export function isOfPool(key: string, poolId: string): boolean {
  return key.startsWith(`${poolId}|`);
}

/** Device memory is held from the start of the process until it is gone. */
export function holdsMemory({ phase }: Replica): boolean {
  return phase.state !== 'waiting' && phase.state !== 'failed';
}

/** Bytes of the pool's memory that a replica holds now. */
export function heldBytes(replica: Replica): number {
  const { phase, memoryBytes } = replica;
  if (!holdsMemory(replica)) return 0;
  return ('heldBytes' in phase ? phase.heldBytes : undefined) ?? memoryBytes;
}
