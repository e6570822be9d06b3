import type { Digest } from '@corral/catalog-core';
import type { BackoffPolicy, Clock, Log } from '@corral/service-kit';
import type { FoundFile } from './scan-staged.js';

export interface StagingAreaOptions {
  readonly dir: string;
  /** What is there already. */
  readonly found: readonly FoundFile[];
  readonly budgetBytes: number;
  /** Bytes that may still be written there; negative when the memory that must stay free is not. */
  readonly freeBytes: () => Promise<number>;
  /** What lies there beside the staged files and leaves when these need the room. */
  readonly others: { readonly usedBytes: number; yield(bytes: number): Promise<void> } | null;
  readonly retry: BackoffPolicy;
  /** From the wish of a copy for the next load to its begin. */
  readonly settleMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Called after each change; must not throw. */
  readonly onChange: () => void;
  readonly onStaged: (copied: { readonly digest: Digest; readonly sizeBytes: number; readonly durationMs: number }) => void;
  readonly onEvicted: (reason: EvictionReason) => void;
  /** The file on disk is not what it was: it is to be looked at again. */
  readonly onDoubtful: (digest: Digest) => void;
}

/** `room`: another file needed its place; `removed`: somebody asked; `lost`: its file was gone. */
export type EvictionReason = 'room' | 'removed' | 'lost';
