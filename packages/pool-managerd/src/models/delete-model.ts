import type { CatalogEntry, Digest, RemovalRule } from '@corral/catalog-core';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { formatBytes } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';
import type { StagingArea } from '../staging/staging-area.js';
import type { ModelUse, UsedModel } from './in-use.js';

/** A model that left the disk. */
export interface DeletedModel extends UsedModel {
  readonly rule: RemovalRule;
  readonly freedBytes: number;
  /** Why its file stayed; the entry is gone all the same. */
  readonly fileError: string | null;
}

export interface DeleteModelPorts {
  readonly catalog: Pick<CatalogStore, 'get' | 'list' | 'delete'>;
  /** `null` where nothing can be staged. */
  readonly staging: Pick<StagingArea, 'remove'> | null;
  usesOf(model: UsedModel): readonly ModelUse[];
  /** Tells whoever has to know: events, metrics, what waits for the model. Must not throw. */
  onDeleted(deleted: DeletedModel): void;
  readonly log: Log;
}

export type DeleteModelOutcome =
  | { readonly kind: 'deleted'; readonly deleted: DeletedModel }
  | { readonly kind: 'in_use'; readonly uses: readonly ModelUse[] }
  /** No such model, or it has changed so that it may stay. */
  | { readonly kind: 'kept' };

export interface DeleteModelRequest {
  readonly modelId: string;
  readonly rule: RemovalRule;
  /** Whether the entry may still go, beside that nobody uses it; asked at the last moment. */
  readonly mayGo?: (entry: CatalogEntry) => boolean;
  readonly correlationId?: string;
}

/**
 * The one way in which a model leaves this node's disk, whoever asks: nothing that somebody uses, its staged copy with it,
 * in an order that a crash cannot break. Rejects when the index cannot be written. [D-65 G-09]
 */
export async function deleteModel({ modelId, rule, mayGo = () => true, correlationId }: DeleteModelRequest, ports: DeleteModelPorts): Promise<DeleteModelOutcome> {
  const { catalog, staging, usesOf, onDeleted, log } = ports;
  const entry = catalog.get(modelId);
  if (entry === null) return { kind: 'kept' };
  const model = { modelId, digest: entry.digest };
  const uses = usesOf(model);
  if (uses.length > 0) return { kind: 'in_use', uses };
  const { deleted: isDeleted, freedBytes, fileError } = await catalog.delete(modelId, { rule, mayGo: (now) => now.digest === model.digest && usesOf(model).length === 0 && mayGo(now) });
  if (!isDeleted) {
    const usesNow = usesOf(model);
    return usesNow.length > 0 ? { kind: 'in_use', uses: usesNow } : { kind: 'kept' };
  }
  if (isLast(model.digest, catalog)) await staging?.remove(model.digest);
  const deleted: DeletedModel = { ...model, rule, freedBytes, fileError };
  const fields = { model_id: modelId, digest: model.digest, rule, freed_bytes: freedBytes, ...(correlationId === undefined ? {} : { correlation_id: correlationId }) };
  if (fileError === null) log.info('model deleted', { ...fields, freed: formatBytes(freedBytes), cause: CAUSES[rule] });
  else log.warn('model deleted, its file was not', { ...fields, path: entry.localPath, error: fileError });
  onDeleted(deleted);
  return { kind: 'deleted', deleted };
}

const CAUSES: Readonly<Record<RemovalRule, string>> = {
  DeleteRetired: 'it has been retired for long enough',
  Pressure: 'the disk was too full and it was used least recently',
  Purge: 'an operator removed it',
};

/** A staged copy serves every entry of its digest. */
function isLast(digest: Digest, catalog: Pick<CatalogStore, 'list'>): boolean {
  return !catalog.list().some((entry) => entry.digest === digest);
}
