import type { BindingRegistry } from './binding-registry.js';
import { routeBinding } from './bindings-of.js';
import type { ServedManifest } from './served-manifest.js';

/** The manifest with the versions that its routes have. Pure. [F-16] */
export function versioned(manifest: ServedManifest, bindings: Pick<BindingRegistry, 'activeVersion'>): ServedManifest {
  const routes = new Map([...manifest.routes].map(([name, route]) => [name, { ...route, version: bindings.activeVersion(routeBinding(name)) ?? route.version }]));
  return { ...manifest, routes };
}
