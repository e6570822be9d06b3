import { hasCaller, knownRoutes, routeAt } from '@corral/service-kit';
import type { Express, RequestHandler } from 'express';
import { requireRole } from '../access/principal.js';
import { roleFor } from '../access/route-roles.js';
import { audited } from '../audit/audited.js';
import type { Audit } from '../audit/audit.js';

/**
 * Refuses callers whose role does not reach, before any handler runs. Registered before the routes, so that one that
 * nobody thought of is closed. What does not exist stays 404 for everybody. [B-116 B-133]
 */
export function roleGuard(app: Express, audit: Audit): RequestHandler {
  let routes: ReturnType<typeof knownRoutes> | undefined;
  return async (req, _res, next) => {
    // A path that is open to all has no caller.
    if (!hasCaller(req)) return next();
    const role = roleFor(req.path);
    routes ??= knownRoutes(app);
    const route = role === 'member' ? undefined : routeAt(req.path, routes);
    if (route === undefined) return next();
    const isLook = req.method === 'GET' && !route.path.startsWith('/api/admin/');
    try {
      requireRole(req, role);
    } catch (error) {
      if (isLook) throw error;
      await audited(audit, req, { action: `${req.method} ${route.path}`, source: 'api_admin' }, () => Promise.reject(error as Error));
    }
    next();
  };
}
