import type { InstanceName } from '../api/corral-api.js';

/** A page of the application. */
export type Route =
  | { readonly page: 'pool' }
  | { readonly page: 'models' }
  | { readonly page: 'manifest' }
  | { readonly page: 'instance'; readonly name: InstanceName }
  | { readonly page: 'model'; readonly modelId: string }
  | { readonly page: 'unknown'; readonly path: string };

/** Where the application lives on its server. */
export const HOME = '/ui/';
export const MODELS = `${HOME}models`;
export const MANIFEST = `${HOME}manifest`;

export function routeOf(path: string): Route {
  const parts = path.replace(/^\/ui\/?/, '').split('/').filter((part) => part !== '').map(decoded);
  const [first, second, third] = parts;
  if (first === undefined || (first === 'index.html' && parts.length === 1)) return { page: 'pool' };
  if ((first === 'models' || first === 'manifest') && parts.length === 1) return { page: first };
  if (first === 'models' && second !== undefined && parts.length === 2) return { page: 'model', modelId: second };
  if (first === 'instances' && second !== undefined && third !== undefined && parts.length === 3) return { page: 'instance', name: { org_id: second, instance_id: third } };
  return { page: 'unknown', path };
}

/** The address of the page of one instance. */
export function instancePath({ org_id: org, instance_id: instance }: InstanceName): string {
  return notAFile(`${HOME}instances/${encodeURIComponent(org)}/${encodeURIComponent(instance)}`);
}

/** The address of the page of one model, whose id may hold slashes and colons. */
export function modelPath(modelId: string): string {
  return notAFile(`${MODELS}/${encodeURIComponent(modelId)}`);
}

/** The place of a pool on the pool page. */
export function poolPath(poolId: string): string {
  return `${HOME}#${poolAnchor(poolId)}`;
}

/** The place of a node on the pool page. */
export function nodePath(nodeId: string): string {
  return `${HOME}#${nodeAnchor(nodeId)}`;
}

export function poolAnchor(poolId: string): string {
  return `pool-${encodeURIComponent(poolId)}`;
}

export function nodeAnchor(nodeId: string): string {
  return `node-${encodeURIComponent(nodeId)}`;
}

/** What the tab is called. */
export function titleOf(route: Route): string {
  return `${nameOf(route)} · Corral`;
}

function nameOf(route: Route): string {
  switch (route.page) {
    case 'pool':
      return 'Pools';
    case 'models':
      return 'Models';
    case 'manifest':
      return 'Manifest';
    case 'model':
      return route.modelId;
    case 'instance':
      return `${route.name.org_id}/${route.name.instance_id}`;
    case 'unknown':
      return 'No such page';
  }
}

/** What ends like the name of a file is one to the server: an id with a dot gets a slash behind it. [U-01] */
function notAFile(path: string): string {
  return /\.[a-z0-9]+$/i.test(path) ? `${path}/` : path;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
