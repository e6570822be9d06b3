import type { BindingDefinition } from '@corral/orchestrator-core';
import { instanceKeyOf } from '../instances/instance-registry.js';
import { canonicalHash } from './canonical-hash.js';
import type { BindingStatus } from './reloads.js';
import type { ServedManifest, ServedRoute } from './served-manifest.js';

/** An entry of a manifest under its binding id. */
export interface BindingEntry extends BindingDefinition, Pick<BindingStatus, 'provider' | 'handler'> {}

const entries = new WeakMap<ServedManifest, readonly BindingEntry[]>();

/** The bindings of a manifest: models, routes, instances and pools, by id. [F-20] */
export function bindingsOf(manifest: ServedManifest): readonly BindingEntry[] {
  const known = entries.get(manifest);
  if (known !== undefined) return known;
  const made = makeEntries(manifest);
  entries.set(manifest, made);
  return made;
}

export const routeBinding = (name: string): string => `route:${name}`;
export const modelBinding = (modelId: string): string => `model:${modelId}`;
export const instanceBinding = (key: Parameters<typeof instanceKeyOf>[0]): string => `instance:${instanceKeyOf(key)}`;

function makeEntries({ models, routes, instances, pools }: ServedManifest): readonly BindingEntry[] {
  return [
    ...[...models.values()].map(({ spec, origin }) => entry('model', modelBinding(spec.model_id), spec, { handler: spec.sources[0] ?? spec.model_id, provider: origin === 'starter' ? 'starter' : 'manifest' })),
    ...[...routes.values()].map(routeEntry),
    ...instances.map((instance) => entry('instance', instanceBinding(instance), instance, { handler: instance.modelRef, provider: 'manifest' })),
    ...pools.map((pool) => entry('pool', `pool:${pool.poolId}`, pool, { handler: `${pool.nodeId}/${pool.device}`, provider: 'manifest' })),
  ];
}

/** A version is none of what is defined. */
function routeEntry(route: ServedRoute): BindingEntry {
  const { version: _, ...definition } = route;
  return entry('route', routeBinding(route.name), definition, { handler: route.modelId, provider: 'manifest' });
}

function entry(kind: BindingEntry['kind'], id: string, definition: object, shown: Pick<BindingEntry, 'provider' | 'handler'>): BindingEntry {
  return { id, kind, fingerprint: canonicalHash(definition), ...shown };
}
