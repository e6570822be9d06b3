import { ApiError } from '@corral/contracts';
import type { Express } from 'express';
import { nearest } from '../nearest.js';

export interface KnownRoute {
  /** Upper case; a GET also answers HEAD. */
  readonly methods: readonly string[];
  readonly path: string;
}

interface Layer {
  readonly route?: { readonly path: string | RegExp | readonly (string | RegExp)[]; readonly methods: Readonly<Record<string, boolean>> };
}

/** The routes that were registered on the app itself with a text path. */
export function knownRoutes(app: Express): readonly KnownRoute[] {
  const stack = (app as unknown as { router: { stack: readonly Layer[] } }).router.stack;
  return stack.flatMap(({ route }) => {
    if (route === undefined) return [];
    const methods = Object.keys(route.methods)
      .filter((method) => route.methods[method])
      .map((method) => method.toUpperCase());
    return [route.path].flat().flatMap((path) => (typeof path === 'string' ? [{ methods, path }] : []));
  });
}

/** What to say where no route answered: another method exists, or nothing of that name does. */
export function noRoute(
  method: string,
  path: string,
  routes: readonly KnownRoute[],
): { readonly error: ApiError; readonly allow?: string } {
  const here = routes.filter((route) => patternOf(route.path).test(path));
  if (here.length > 0) {
    const methods = [
      ...new Set(here.flatMap((route) => (route.methods.includes('GET') ? ['HEAD', ...route.methods] : route.methods))),
    ].toSorted();
    const allow = methods.join(', ');
    return { error: new ApiError('METHOD_NOT_ALLOWED', `${method} does not work on ${path}; use ${allow}`), allow };
  }
  const near = nearest(
    path,
    routes.map((route) => filledIn(route.path, path)),
  );
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'GET /openapi.json lists what there is';
  return { error: new ApiError('NOT_FOUND', `there is nothing at ${path.slice(0, 256)}; ${hint}`) };
}

/** The first route whose pattern the path fits, whatever the method. */
export function routeAt(path: string, routes: readonly KnownRoute[]): KnownRoute | undefined {
  return routes.find((route) => patternOf(route.path).test(path));
}

/** Express patterns: `:name`, `*name` and `{optional}`. */
function patternOf(path: string): RegExp {
  const source = path
    .replaceAll(/[.+?^$()|[\]\\]/g, '\\$&')
    .replaceAll('{', '(?:')
    .replaceAll('}', ')?')
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll(/\*\w+/g, '.+');
  return new RegExp(`^${source}/?$`, 'i');
}

/** A pattern with its parameters taken from the path that was asked for, so that only the names differ. */
function filledIn(pattern: string, path: string): string {
  const asked = path.split('/');
  return pattern
    .replaceAll(/[{}]/g, '')
    .split('/')
    .map((part, n) => (/^[:*]/.test(part) ? (asked[n] ?? part) : part))
    .join('/');
}
