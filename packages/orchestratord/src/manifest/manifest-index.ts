import type { ModelSpec } from '@corral/contracts';
import { implicitInstanceId } from '../instances/implicit-instance.js';
import type { ServedManifest, ServedPool, ServedRoute } from './served-manifest.js';

/** What a manifest is asked for on the request path and in each look at everything, so that neither walks its routes. */
export interface ManifestIndex {
  /** By the id of the instance that the server keeps for it. */
  readonly routeOfInstance: ReadonlyMap<string, ServedRoute>;
  readonly hotRoutes: readonly ServedRoute[];
  readonly pinned: readonly ModelSpec[];
  readonly poolOf: ReadonlyMap<string, ServedPool>;
  /** Of any model; `null` without one. */
  readonly largestContext: number | null;
}

const indexes = new WeakMap<ServedManifest, ManifestIndex>();

/** The index of a manifest, made when it is first asked for. A manifest never changes, and neither does this. */
export function indexOf(manifest: ServedManifest): ManifestIndex {
  const known = indexes.get(manifest);
  if (known !== undefined) return known;
  const made = makeIndex(manifest);
  indexes.set(manifest, made);
  return made;
}

function makeIndex({ routes, models, pools }: ServedManifest): ManifestIndex {
  const all = [...routes.values()];
  const specs = [...models.values()].map(({ spec }) => spec);
  return {
    routeOfInstance: new Map(all.map((route) => [implicitInstanceId('route', route.name), route])),
    hotRoutes: all.filter(({ tier }) => tier === 'hot'),
    pinned: specs.filter(({ pinned }) => pinned),
    poolOf: new Map(pools.map((pool) => [pool.poolId, pool])),
    largestContext: specs.length === 0 ? null : specs.reduce((most, { context }) => Math.max(most, context), 0),
  };
}
