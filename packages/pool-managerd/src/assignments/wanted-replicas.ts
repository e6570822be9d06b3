import type { Assignment } from '@corral/contracts';
import { requiredMemoryBytes } from '@corral/catalog-core';
import type { PlannedPool } from '../devices/planned-pool.js';
import { wantedModelKey } from '../models/present-model.js';
import type { Presence, PresentModel } from '../models/present-model.js';
import type { WantedReplica } from '../replicas/plan-replicas.js';
import { replicaKey } from '../replicas/replica.js';
import type { ReplicaShape } from '../replicas/replica.js';
import type { JournalEntry } from './journal-state.js';
import { wantedModelOf } from './wanted-model.js';

export interface ReplicaSources {
  readonly pools: ReadonlyMap<string, PlannedPool>;
  presence(key: string): Presence | undefined;
  /** The file is being copied to the staging area: a load waits for that rather than read the disk beside it. */
  isBeingStaged(digest: string): boolean;
}

/** The shape of the replica that serves an assignment; `null` while the model or the pool is not there. */
export function shapeOf(assignment: Assignment, sources: Pick<ReplicaSources, 'pools' | 'presence'>): ReplicaShape | null {
  const pool = sources.pools.get(assignment.target.pool_id);
  const model = sources.presence(wantedModelKey(wantedModelOf(assignment)))?.model ?? null;
  // What stands before a server has the server's model and takes no other.
  if (pool === undefined || pool.attached !== undefined || model === null) return null;
  return { poolId: pool.poolId, device: pool.device, modelId: assignment.model.model_id, digest: model.digest, engineId: pool.engineId ?? null, contextTokens: assignment.model.context, slots: assignment.model.slots };
}

/** The replicas that the assignments ask for: one for all that want the same model in the same shape in the same pool. */
export function wantedReplicas(entries: Iterable<JournalEntry>, sources: ReplicaSources): readonly WantedReplica[] {
  const byKey = new Map<string, WantedReplica>();
  for (const [order, { assignment }] of [...entries].toSorted(byAge).entries()) {
    const shape = assignment.wanted === 'resident' ? shapeOf(assignment, sources) : null;
    const presence = sources.presence(wantedModelKey(wantedModelOf(assignment)));
    if (shape === null || !presence?.model) continue;
    const key = replicaKey(shape);
    const isVerified = presence.phase.state === 'present' && !sources.isBeingStaged(shape.digest);
    const known = byKey.get(key);
    if (known !== undefined) {
      byKey.set(key, { ...known, latestGeneration: Math.max(known.latestGeneration, assignment.generation), isVerified: known.isVerified && isVerified });
      continue;
    }
    const memoryBytes = neededBytes(presence.model, shape, sources);
    byKey.set(key, { ...shape, key, modelPath: presence.model.path, memoryBytes, order, latestGeneration: assignment.generation, isVerified });
  }
  return [...byKey.values()];
}

/** Shapes whose replicas stay near once they are demoted: those of models that are wanted staged, and where it is wished of those on disk. [C-250] */
export function parkableKeys(entries: Iterable<JournalEntry>, sources: Pick<ReplicaSources, 'pools' | 'presence'>, { unstaged }: { readonly unstaged: boolean }): ReadonlySet<string> {
  const isNear = ({ wanted }: Assignment) => wanted === 'staged' || (unstaged && wanted === 'on_disk');
  return new Set([...entries].flatMap(({ assignment }) => {
    const shape = isNear(assignment) ? shapeOf(assignment, sources) : null;
    return shape === null ? [] : [replicaKey(shape)];
  }));
}

/** Generations count per instance, so the order of arrival comes first; of one set, the lower generation. */
function byAge(a: JournalEntry, b: JournalEntry): number {
  return a.acceptedSeq - b.acceptedSeq || a.assignment.generation - b.assignment.generation || (a.assignment.instance_id < b.assignment.instance_id ? -1 : 1);
}

/** Where the engine gave no figures for the device, the file itself is the least that is needed. */
function neededBytes({ facts, sizeBytes }: PresentModel, shape: ReplicaShape, { pools }: ReplicaSources): number {
  const deviceKind = pools.get(shape.poolId)?.deviceKind ?? null;
  if (facts === null || deviceKind === null) return sizeBytes;
  return requiredMemoryBytes(facts, { deviceKind, context: shape.contextTokens, slots: shape.slots }) ?? sizeBytes;
}
