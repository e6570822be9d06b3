/** A page of the application. */
export type Route = { readonly page: 'pool' } | { readonly page: 'unknown'; readonly path: string };

/** Where the application lives on its server. */
export const HOME = '/ui/';

export function routeOf(path: string): Route {
  const inside = path.replace(/^\/ui\/?/, '').replace(/\/$/, '');
  return inside === '' || inside === 'index.html' ? { page: 'pool' } : { page: 'unknown', path };
}
