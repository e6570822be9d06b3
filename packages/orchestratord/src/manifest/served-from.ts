import { formatModelRef, parseModelRef } from '@corral/catalog-core';
import type { Manifest, ModelSpec } from '@corral/contracts';
import { createdInstance } from '../instances/instance-changes.js';
import { canonicalHash } from './canonical-hash.js';
import { sizeOf } from './check-manifest.js';
import { placementOverridesOf } from './placement-overrides.js';
import type { ServedManifest, ServedPool, ServedRoute } from './served-manifest.js';

/** Tokens per slot and sequences per replica where a manifest says nothing. */
export const MODEL_DEFAULTS = { context: 2_048, slots: 4 } as const;

/** What a manifest without problems serves; defaults are filled in. Pure. [F-16 F-17] */
export function servedFrom(manifest: Manifest, path: string, baseDir: string): ServedManifest {
  const models = Object.entries(manifest.models ?? {}).map(([id, model]) => [id, { spec: specOf(id, model, baseDir), origin: 'manifest' }] as const);
  const routes = Object.entries(manifest.routes ?? {}).map(([name, route]) => [name, routeOf(name, route)] as const);
  const pools = (manifest.pools ?? []).map(poolOf);
  const instances = (manifest.instances ?? []).map(({ org = 'default', id, ...rest }) => createdInstance(org, { ...rest, instance_id: id }, 'manifest'));
  const hash = canonicalHash({ models: Object.fromEntries(models), routes: Object.fromEntries(routes), instances, pools });
  return { path, models: new Map(models), routes: new Map(routes), instances, pools, hash };
}

function specOf(id: string, model: NonNullable<Manifest['models']>[string], baseDir: string): ModelSpec {
  return {
    model_id: id,
    sources: [model.source].flat().map((text) => canonicalSource(text, baseDir)),
    digest: model.digest ?? null,
    context: model.context ?? MODEL_DEFAULTS.context,
    slots: model.slots ?? MODEL_DEFAULTS.slots,
    pinned: model.pinned ?? false,
  };
}

function canonicalSource(text: string, baseDir: string): string {
  const parsed = parseModelRef(text, { baseDir });
  return parsed.kind === 'ref' ? formatModelRef(parsed.ref) : text;
}

function routeOf(name: string, route: NonNullable<Manifest['routes']>[string]): ServedRoute {
  return {
    name,
    version: 1,
    modelId: route.model,
    tier: route.tier ?? 'demand',
    ttlS: route.ttl_s ?? null,
    priority: route.priority ?? 'interactive',
    placement: route.placement === undefined ? null : placementOverridesOf(route.placement),
  };
}

function poolOf(pool: NonNullable<Manifest['pools']>[number]): ServedPool {
  return {
    poolId: pool.id,
    nodeId: pool.node,
    device: pool.device,
    memoryBytes: pool.memory === undefined ? null : (sizeOf(pool.memory) ?? null),
    queueCapacity: pool.queue?.capacity ?? null,
    fullPolicy: pool.queue?.full_policy ?? null,
    required: pool.required ?? false,
  };
}
