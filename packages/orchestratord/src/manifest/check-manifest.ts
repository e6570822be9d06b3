import { parseModelRef } from '@corral/catalog-core';
import type { Manifest } from '@corral/contracts';
import { nearest, parseSize } from '@corral/service-kit';
import { isReservedId } from '../instances/instance-changes.js';

/** A problem that is not one of form: what refers to what, and what excludes what. */
export interface ReferenceProblem {
  readonly keys: readonly string[];
  readonly message: string;
}

/** Every reference of a well-formed manifest that leads nowhere, every name given twice, every text that means nothing. Pure. [F-20 F-25] */
export function checkManifest(manifest: Manifest, baseDir: string): readonly ReferenceProblem[] {
  return [...modelProblems(manifest, baseDir), ...routeProblems(manifest), ...instanceProblems(manifest), ...poolProblems(manifest)];
}

function modelProblems({ models = {} }: Manifest, baseDir: string): ReferenceProblem[] {
  return Object.entries(models).flatMap(([id, { source }]) =>
    [source].flat().flatMap((text, n) => {
      const parsed = parseModelRef(text, { baseDir });
      const keys = ['models', id, 'source', ...(Array.isArray(source) ? [String(n)] : [])];
      return parsed.kind === 'ref' ? [] : [{ keys, message: parsed.message }];
    }),
  );
}

function routeProblems({ models = {}, routes = {} }: Manifest): ReferenceProblem[] {
  return Object.entries(routes).flatMap(([name, { model, placement }]) => {
    const problems: ReferenceProblem[] = [];
    if (Object.hasOwn(models, name)) problems.push({ keys: ['routes', name], message: `a model has the name "${name}" too; give the route another one, since a request could mean either` });
    if (!Object.hasOwn(models, model)) problems.push({ keys: ['routes', name, 'model'], message: unknownModel(model, manifestNames(models, routes)) });
    if (placement?.mode === 'pin' && placement.pin_pool_id === undefined) problems.push({ keys: ['routes', name, 'placement'], message: 'mode "pin" needs pin_pool_id; name the pool' });
    if (placement?.mode === 'prefer' && (placement.prefer_pools ?? []).length === 0) problems.push({ keys: ['routes', name, 'placement'], message: 'mode "prefer" needs prefer_pools; name at least one pool' });
    return problems;
  });
}

function instanceProblems({ models = {}, routes = {}, instances = [] }: Manifest): ReferenceProblem[] {
  return instances.flatMap(({ org = 'default', id, model }, n) => {
    const at = (key: string): readonly string[] => ['instances', String(n), key];
    const problems: ReferenceProblem[] = [];
    if (instances.slice(0, n).some((other) => other.id === id && (other.org ?? 'default') === org)) problems.push({ keys: at('id'), message: `an instance "${id}" of org ${org} is defined above; give each its own id` });
    if (isReservedId(id)) problems.push({ keys: at('id'), message: `"${id}" is an id that the server gives to what it keeps for a route or a model; choose one that does not begin with route or model and a dot` });
    if (!Object.hasOwn(models, model)) problems.push({ keys: at('model'), message: unknownModel(model, manifestNames(models, routes)) });
    return problems;
  });
}

function manifestNames(models: object, routes: object): { models: string[]; routes: string[] } {
  return { models: Object.keys(models), routes: Object.keys(routes) };
}

function unknownModel(model: string, names: { models: readonly string[]; routes: readonly string[] }): string {
  if (names.routes.includes(model)) return `"${model}" is a route, and a route names a model; name the model of that route`;
  const near = nearest(model, names.models);
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'add it to models';
  return `no model "${model}" is defined; ${hint}`;
}

function poolProblems({ pools = [] }: Manifest): ReferenceProblem[] {
  return pools.flatMap((pool, n) => {
    const earlier = pools.slice(0, n);
    const problems: ReferenceProblem[] = [];
    if (earlier.some(({ id }) => id === pool.id)) problems.push({ keys: ['pools', String(n), 'id'], message: `a pool "${pool.id}" is defined above; give each its own id` });
    const twin = earlier.find(({ node, device }) => node === pool.node && device === pool.device);
    if (twin !== undefined) problems.push({ keys: ['pools', String(n), 'device'], message: `pool "${twin.id}" has ${pool.device} of node ${pool.node} already; a device belongs to one pool` });
    if (pool.memory !== undefined && sizeOf(pool.memory) === undefined) problems.push({ keys: ['pools', String(n), 'memory'], message: `"${pool.memory}" is not a size; write for example 20GiB` });
    return problems;
  });
}

/** Bytes of a size as a manifest writes it. */
export function sizeOf(size: number | string): number | undefined {
  return typeof size === 'number' ? size : parseSize(size);
}
