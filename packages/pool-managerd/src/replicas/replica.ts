/** What makes two assignments share one replica: the same file in the same shape in the same pool. */
export interface ReplicaShape {
  readonly poolId: string;
  /** Of the pool when the replica was made; a pool that moves to another device starts its replicas anew. */
  readonly device: string;
  readonly digest: string;
  /** Tokens per slot. */
  readonly contextTokens: number;
  readonly slots: number;
}

/** Why a replica is `failed`. `memory` is tried again as soon as it fits; the rest after a wait. */
export type FailureKind = 'memory' | 'load' | 'probe' | 'crash';

export interface Failure {
  readonly kind: FailureKind;
  /** For `last_error`; ends with the next step where there is one. */
  readonly message: string;
}

/** Where a replica is in its life. Each state carries only what is true in it. Times are monotonic milliseconds. */
export type ReplicaPhase =
  /** Its turn or its memory has not come. No process. */
  | { readonly state: 'waiting'; readonly sinceMs: number }
  | { readonly state: 'loading'; readonly sinceMs: number; readonly fraction: number | null }
  | { readonly state: 'resident'; readonly sinceMs: number; readonly readyAtMs: number; readonly pid: number }
  /** Takes no more work; what runs may end until the deadline. */
  | { readonly state: 'draining'; readonly sinceMs: number; readonly readyAtMs: number; readonly deadlineMs: number; readonly pid: number }
  /** Its process is being ended. Its memory counts until the process is gone. */
  | { readonly state: 'stopping'; readonly sinceMs: number; readonly pid: number | null }
  /** No process. `memory` failures have no time of their own. */
  | { readonly state: 'failed'; readonly sinceMs: number; readonly failure: Failure; readonly retryAtMs: number | null };

/** One engine process serving one model, from the decision to start it until it is gone. */
export interface Replica extends ReplicaShape {
  readonly replicaId: string;
  readonly key: string;
  readonly modelId: string;
  readonly modelPath: string;
  /** Estimated until the engine has measured it. */
  readonly memoryBytes: number;
  readonly threads: number;
  readonly phase: ReplicaPhase;
  /** Consecutive failures. */
  readonly failures: number;
  readonly lastError: string | null;
  /** Newest generation of the assignments for which it was last started or retried. */
  readonly generation: number;
}

/** One text per shape; equal shapes have equal keys. */
export function replicaKey({ poolId, device, digest, contextTokens, slots }: ReplicaShape): string {
  return `${poolId}|${device}|${digest}|${contextTokens}x${slots}`;
}

/** Device memory is held from the start of the process until it is gone. */
export function holdsMemory({ phase }: Replica): boolean {
  return phase.state === 'loading' || phase.state === 'resident' || phase.state === 'draining' || phase.state === 'stopping';
}
