import type { InstanceName } from '../api/corral-api.js';

/** A page of the application. */
export type Route = { readonly page: 'pool' } | { readonly page: 'instance'; readonly name: InstanceName } | { readonly page: 'unknown'; readonly path: string };

/** Where the application lives on its server. */
export const HOME = '/ui/';

export function routeOf(path: string): Route {
  const parts = path.replace(/^\/ui\/?/, '').split('/').filter((part) => part !== '').map(decoded);
  const [first, org, instance] = parts;
  if (first === undefined || (first === 'index.html' && parts.length === 1)) return { page: 'pool' };
  if (first === 'instances' && org !== undefined && instance !== undefined && parts.length === 3) return { page: 'instance', name: { org_id: org, instance_id: instance } };
  return { page: 'unknown', path };
}

/** The address of the page of one instance. */
export function instancePath({ org_id: org, instance_id: instance }: InstanceName): string {
  return `${HOME}instances/${encodeURIComponent(org)}/${encodeURIComponent(instance)}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
