import type { NodeCatalog } from '@corral/contracts';

/** The catalog's intent, as far as nodes are told of it. [G-19] */
export interface CatalogIntentSource {
  /** Grows with every change of what `forNodes` answers. Cheap: every heartbeat asks. */
  version(): number;
  /** All of it; a snapshot of the version that it names. */
  forNodes(): NodeCatalog;
}
