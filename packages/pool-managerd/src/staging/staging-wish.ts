import type { Digest, StagedFile, StagingPlan } from '@corral/catalog-core';
import { formatBytes } from '@corral/service-kit';

/** A verified file on this node that may be staged. */
export interface StageableModel {
  readonly modelId: string;
  readonly digest: Digest;
  /** On the disk. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** What the assignments want staged. */
export interface StagingWish extends StageableModel {
  /** Grows when somebody asks anew. */
  readonly seq: number;
  readonly isPinned: boolean;
  /** Nobody waits for the copy: it makes the next load of what is resident the faster one. */
  readonly isForNextLoad: boolean;
}

/** Why a wish is not met, in words for `last_error`. */
export interface StagingProblem {
  readonly kind: Exclude<StagingPlan['kind'], 'stage' | 'present'> | 'copy_failed' | 'removed';
  readonly message: string;
  /** When to try again, monotonic; `null` = only when somebody asks anew. */
  readonly retryAtMs: number | null;
}

/** A wish and what became of it. */
export interface PendingWish extends StagingWish {
  /** Unix milliseconds. */
  readonly askedAtMs: number;
  /** No copy begins before this moment, monotonic. */
  readonly notBeforeMs: number;
  /** Assignments want it, and it stays for as long as they do. */
  readonly isAssigned: boolean;
  /** Somebody asked for it by hand: once. */
  readonly isByHand: boolean;
  readonly problem: StagingProblem | null;
  readonly failures: number;
}

/** A file in the area. */
export interface StagedCopy extends Pick<StagedFile, 'leases' | 'lastUsedMs'> {
  readonly modelId: string;
  readonly digest: Digest;
  readonly path: string;
  readonly sizeBytes: number;
}

/** Whose turn it is: what is pinned, then what was asked for last, since it would displace the others anyway. */
export function byUrgency(a: PendingWish, b: PendingWish): number {
  return Number(b.isPinned) - Number(a.isPinned) || b.askedAtMs - a.askedAtMs || (a.digest < b.digest ? -1 : 1);
}

/** How long to wait for room that others may give. */
const ROOM_RETRY_MS = 5_000;

/** A plan that refuses as a problem with its next step; `null` for one that does not. */
export function problemOfPlan(plan: StagingPlan, { modelId, sizeBytes }: StageableModel, nowMs: number): StagingProblem | null {
  const needs = `${modelId} needs ${formatBytes(sizeBytes)} of the staging area`;
  switch (plan.kind) {
    case 'stage':
    case 'present':
      return null;
    case 'too_large':
      return { kind: 'too_large', message: `${needs}, which holds ${formatBytes(plan.budgetBytes)} at most, so it is loaded from disk; raise POOL_MANAGERD_STAGE_MAX_BYTES to stage it`, retryAtMs: null };
    case 'no_room': {
      const held = plan.limit === 'budget' ? 'what is in use, pinned or wanted there leaves' : 'the memory that must stay free leaves';
      const advice = plan.limit === 'budget' ? 'unload something, or raise POOL_MANAGERD_STAGE_MAX_BYTES' : 'free memory on the node, or lower stage.free_ram_bytes';
      return { kind: 'no_room', message: `${needs}; ${held} ${formatBytes(plan.missingBytes)} too little; ${advice}`, retryAtMs: nowMs + ROOM_RETRY_MS };
    }
  }
}

/** Why a copy failed, in one sentence with the next step. */
export function copyFailure(error: unknown, { modelId }: StageableModel): string {
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, message: String(error) };
  if (code === 'ENOSPC') return `${modelId} was not staged: the file system of the staging area is full; free space there, or set POOL_MANAGERD_STAGE_DIR to another one`;
  return `${modelId} was not staged: ${message}; the model is looked at again and loaded from disk meanwhile`;
}
