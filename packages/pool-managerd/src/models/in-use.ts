import type { Digest } from '@corral/catalog-core';
import type { JournalEntry } from '../assignments/journal-state.js';
import { wantedModelOf } from '../assignments/wanted-model.js';
import type { Replica, ReplicaPhase } from '../replicas/replica.js';
import type { StagingArea } from '../staging/staging-area.js';
import type { Presence } from './present-model.js';

/** A catalogued model and its file. */
export interface UsedModel {
  readonly modelId: string;
  readonly digest: Digest;
}

/** Somebody who needs a model's file on this node. */
export interface ModelUse {
  readonly kind: 'loaded' | 'loading' | 'parked' | 'staged' | 'staging' | 'fetching' | 'verifying' | 'assigned';
  /** Who, in words: a replica, an instance, a call. */
  readonly by: string;
}

/** Work on a model that no assignment asked for: a pull, a verification. */
export interface ModelWork extends UsedModelRef {
  readonly kind: 'fetching' | 'verifying';
  readonly by: string;
}

interface UsedModelRef {
  readonly modelId: string;
  /** `null` while nobody knows it. */
  readonly digest: string | null;
}

export interface ModelUseSources {
  assignments(): Iterable<JournalEntry>;
  presences(): Iterable<Presence>;
  replicas(): readonly Replica[];
  /** `null` where nothing can be staged. */
  readonly staging: Pick<StagingArea, 'list' | 'wishes' | 'isComing'> | null;
  work(): Iterable<ModelWork>;
}

const USE_OF_PHASE: Readonly<Record<ReplicaPhase['state'], ModelUse['kind'] | null>> = {
  waiting: 'loading',
  loading: 'loading',
  resuming: 'loading',
  resident: 'loaded',
  draining: 'loaded',
  stopping: 'loaded',
  parking: 'parked',
  parked: 'parked',
  // Tried again by what its assignment says.
  failed: null,
};

/**
 * Who uses a model on this node; empty when nobody does. Its file is not to be removed while anybody does, whatever asks
 * for that. A file counts as used with every model that is made of it. [D-34 G-09]
 *
 * A copy that is merely left over in the staging area is no use, and neither is an assignment that rests on disk.
 */
export function usesOf(model: UsedModel, sources: ModelUseSources): readonly ModelUse[] {
  return [...replicaUses(model, sources), ...stagingUses(model, sources), ...workUses(model, sources), ...assignmentUses(model, sources)];
}

/**
 * Whether somebody may use a model, for whoever asks about many at once: `false` is certain, `true` is to be looked at with
 * {@link usesOf}. Made once of the sources as they are, so that ten thousand models cost no ten thousand looks at everything.
 */
export function maybeUsed({ assignments, presences, replicas, staging, work }: ModelUseSources): (model: UsedModel) => boolean {
  const names = new Set<string | null>(replicas().map(({ digest }) => digest));
  for (const { digest } of staging?.list() ?? []) names.add(digest);
  for (const { digest } of staging?.wishes() ?? []) names.add(digest);
  for (const { modelId, digest } of work()) names.add(modelId).add(digest);
  const near = new Set<string>();
  for (const { assignment } of assignments()) {
    if (assignment.wanted !== 'resident' && assignment.wanted !== 'staged') continue;
    const { modelId, digest } = wantedModelOf(assignment);
    near.add(modelId);
    names.add(modelId).add(digest);
  }
  for (const { wanted, phase, model } of presences()) {
    if (phase.state === 'working' || near.has(wanted.modelId)) names.add(wanted.modelId).add(wanted.digest ?? model?.digest ?? null);
  }
  return ({ modelId, digest }) => names.has(modelId) || names.has(digest);
}

function replicaUses({ digest }: UsedModel, { replicas }: ModelUseSources): readonly ModelUse[] {
  return replicas().flatMap((replica) => {
    const kind = replica.digest === digest ? USE_OF_PHASE[replica.phase.state] : null;
    return kind === null ? [] : [{ kind, by: `replica ${replica.replicaId}` }];
  });
}

function stagingUses({ digest }: UsedModel, { staging }: ModelUseSources): readonly ModelUse[] {
  if (staging === null) return [];
  const leases = staging.list().find((copy) => copy.digest === digest)?.leases ?? 0;
  const wish = staging.wishes().find((one) => one.digest === digest);
  return [
    ...(leases > 0 ? [{ kind: 'staged' as const, by: `${leases} ${leases === 1 ? 'lease' : 'leases'} of its staged copy` }] : []),
    ...(wish !== undefined && staging.isComing(digest) ? [{ kind: 'staging' as const, by: 'the copy that is being staged' }] : []),
  ];
}

function workUses(model: UsedModel, { presences, work }: ModelUseSources): readonly ModelUse[] {
  const fetches = [...presences()]
    .filter(({ wanted, phase, model: present }) => phase.state === 'working' && isSame(model, { modelId: wanted.modelId, digest: wanted.digest ?? present?.digest ?? null }))
    .map(({ phase }): ModelUse => {
      const isVerifying = phase.state === 'working' && phase.progress?.phase === 'verifying';
      return isVerifying ? { kind: 'verifying', by: 'the look at its file for an assignment' } : { kind: 'fetching', by: 'the fetch for an assignment' };
    });
  return [...fetches, ...[...work()].filter((one) => isSame(model, one)).map(({ kind, by }) => ({ kind, by }))];
}

function assignmentUses(model: UsedModel, { assignments, presences }: ModelUseSources): readonly ModelUse[] {
  const digests = new Map([...presences()].map(({ wanted, model: present }) => [wanted.modelId, wanted.digest ?? present?.digest ?? null]));
  return [...assignments()].flatMap(({ assignment }) => {
    const { modelId, digest } = wantedModelOf(assignment);
    const isNear = assignment.wanted === 'resident' || assignment.wanted === 'staged';
    if (!isNear || !isSame(model, { modelId, digest: digest ?? digests.get(modelId) ?? null })) return [];
    return [{ kind: 'assigned' as const, by: `instance ${assignment.org_id}/${assignment.instance_id}, wanted ${assignment.wanted} here` }];
  });
}

/** The id alone decides as well: what is wanted by that name may be about to find this file. */
function isSame({ modelId, digest }: UsedModel, other: UsedModelRef): boolean {
  return other.modelId === modelId || other.digest === digest;
}

/** Uses as part of a sentence, at most three of them. */
export function describeUses(uses: readonly ModelUse[]): string {
  const told = uses.slice(0, 3).map(({ kind, by }) => `${kind}: ${by}`).join('; ');
  return uses.length > 3 ? `${told}; and ${uses.length - 3} more` : told;
}
