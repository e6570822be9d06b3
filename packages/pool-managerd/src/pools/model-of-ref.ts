import { ApiError } from '@corral/contracts';
import type { ModelSpec } from '@corral/contracts';
import type { CatalogEntry } from '@corral/catalog-core';
import { nearest } from '@corral/service-kit';
import type { JournalEntry } from '../assignments/journal-state.js';
import type { Replica } from '../replicas/replica.js';

export interface ModelSources {
  entries(): Iterable<JournalEntry>;
  readonly catalog: { list(): readonly CatalogEntry[]; get(id: string): CatalogEntry | null };
}

const SHAPE = { context: 2_048, slots: 4 } as const;

/**
 * What a name means on this node, where the control plane did not say: as an assignment has it, else the catalog's file in
 * the shape of the replica that it replaces. Throws NOT_FOUND with what is near.
 */
export function modelOfRef(ref: string, like: Replica | null, { entries, catalog }: ModelSources): ModelSpec {
  const known = [...entries()].filter(({ assignment }) => assignment.model.model_id === ref).toSorted((a, b) => b.acceptedSeq - a.acceptedSeq || b.assignment.generation - a.assignment.generation)[0];
  if (known !== undefined) return known.assignment.model;
  const entry = catalog.get(ref);
  if (entry !== null && entry.lifecycle !== 'Retired') {
    const shape = like === null ? SHAPE : { context: like.contextTokens, slots: like.slots };
    const context = Math.min(shape.context, entry.facts?.trainContext ?? shape.context);
    return { model_id: ref, sources: [`catalog:${ref}`], digest: entry.digest, context, slots: shape.slots, pinned: false };
  }
  const near = nearest(ref, catalog.list().map(({ id }) => id));
  throw new ApiError('NOT_FOUND', `model ${ref.slice(0, 256)} not found on this node; ${near.length > 0 ? `near it: ${near.join(', ')}` : 'pull it first'}`);
}
