import type { NodeCatalog } from '@corral/contracts';
import type { ModelRecord } from '../store/model-rows.js';

/** The catalog's intent, as far as nodes are told of it. [G-19] */
export interface CatalogIntentSource {
  /** Grows with every change of what `forNodes` answers. Cheap: every heartbeat asks. */
  version(): number;
  /** All of it; a snapshot of the version that it names. */
  forNodes(): NodeCatalog;
}

/** The intent as the store had it at the start. Those that nodes brought are left out: the node knows best. */
export function intentOfRows(rows: readonly ModelRecord[]): CatalogIntentSource {
  const models = rows
    .filter(({ origin }) => origin !== 'node')
    .map(({ spec, state }) => ({ model_id: spec.model_id, digest: spec.digest, sources: spec.sources, state, pinned: spec.pinned, retired_at_ms: null }));
  return { version: () => 1, forNodes: () => ({ catalog_version: 1, models }) };
}
