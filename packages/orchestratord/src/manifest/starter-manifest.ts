import { STARTER_MODEL } from '@corral/catalog-core';
import { canonicalHash } from './canonical-hash.js';
import type { ServedManifest } from './served-manifest.js';

/** What is served without a manifest: the starter model, on one pool per device. Its tier is that of any bare model: demand. */
export function starterManifest(): ServedManifest {
  const { id, sources, digest, context, slots } = STARTER_MODEL;
  const spec = { model_id: id, sources: [...sources], digest, context, slots, pinned: false };
  return { path: null, models: new Map([[id, { spec, origin: 'starter' }]]), routes: new Map(), instances: [], pools: [], hash: canonicalHash({ starter: spec }) };
}
