import type { CatalogEntry, GcItem } from '@corral/catalog-core';
import type { CatalogStore, EndedRemoval } from '@corral/catalog-core/fs';
import { messageOf } from '@corral/service-kit';
import type { DeletedModel, DeleteModelOutcome, DeleteModelRequest } from '../models/delete-model.js';
import { describeUses } from '../models/in-use.js';
import type { ModelUse, UsedModel } from '../models/in-use.js';
import type { Collectable, GcRemoval } from './collectable.js';

export interface CollectableModelsParts {
  readonly catalog: Pick<CatalogStore, 'get' | 'list' | 'endRemovals'>;
  usesOf(model: UsedModel): readonly ModelUse[];
  /** As everything is now: a quick look that is certain when it says no. */
  maybeUsed(): (model: UsedModel) => boolean;
  /** It was brought here for an assignment a moment ago, and its load may be about to be ordered. */
  isFresh(model: UsedModel): boolean;
  deleteModel(request: DeleteModelRequest): Promise<DeleteModelOutcome>;
  onDeleted(deleted: DeletedModel): void;
}

/** The models of the node's catalog. [D-32] */
export function collectableModels({ catalog, usesOf, maybeUsed, isFresh, deleteModel, onDeleted }: CollectableModelsParts): Collectable {
  let mayBe = maybeUsed();
  // A retired one is loaded by nobody.
  const isAwaited = ({ id, digest, lifecycle }: CatalogEntry): boolean => lifecycle === 'Active' && isFresh({ modelId: id, digest });
  return {
    kind: 'model',
    items: () => {
      mayBe = maybeUsed();
      return catalog.list().map(gcItemOf);
    },
    useOf: ({ id }) => {
      const entry = catalog.get(id);
      const model = entry === null ? null : { modelId: id, digest: entry.digest };
      const uses = model === null || !mayBe(model) ? [] : usesOf(model);
      if (uses.length > 0) return describeUses(uses);
      return entry !== null && isAwaited(entry) ? 'it was brought here for an assignment a moment ago' : null;
    },
    remove: async ({ id }, rule, mayGo): Promise<GcRemoval> => {
      try {
        const outcome = await deleteModel({ modelId: id, rule, mayGo: (entry) => !isAwaited(entry) && mayGo(gcItemOf(entry)) });
        if (outcome.kind === 'in_use') return { kind: 'kept', reason: describeUses(outcome.uses) };
        if (outcome.kind === 'kept') return { kind: 'kept', reason: 'it has changed meanwhile' };
        const { freedBytes, fileError } = outcome.deleted;
        return fileError === null ? { kind: 'deleted', freedBytes } : { kind: 'failed', error: `its entry is gone, and its file stays: ${fileError}` };
      } catch (error) {
        return { kind: 'failed', error: messageOf(error) };
      }
    },
    finish: async () => {
      for (const ended of await catalog.endRemovals()) onDeleted(deletedOf(ended));
    },
  };
}

/** A removal that was begun before and has ended now, as it is told. */
export function deletedOf({ id, digest, rule, freedBytes, fileError }: EndedRemoval): DeletedModel {
  return { modelId: id, digest, rule, freedBytes, fileError };
}

function gcItemOf(entry: CatalogEntry): GcItem {
  const { id, localPath: path, external, sizeBytes, lifecycle, retiredAtMs, pinned, lastUsedMs, createdMs } = entry;
  return { kind: 'model', id, path, external, isOnDisk: !external, sizeBytes, lifecycle, retiredAtMs, pinned, lastUsedMs, createdMs };
}
