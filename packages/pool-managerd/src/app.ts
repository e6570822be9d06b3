import { createHttpApp, operationRoutes, type HttpAppOptions, type Operations } from '@corral/service-kit';
import type { Express } from 'express';
import { cacheRoutes, type CacheRoutesParts } from './http/cache.routes.js';
import { gcRoutes, type GcRoutesParts } from './http/gc.routes.js';
import { catalogRoutes, type CatalogRoutesParts } from './http/catalog.routes.js';
import { engineRoutes, type EngineRoutesParts } from './http/engines.routes.js';
import { metaRoutes, type MetaRoutesParts } from './http/meta.routes.js';
import { nodeRoutes, type NodeRoutesParts } from './http/node.routes.js';
import { poolRoutes, type PoolRoutesParts } from './http/pools.routes.js';
import { taskRoutes, type TaskRoutesParts } from './http/tasks.routes.js';

export interface AppParts {
  readonly http: Omit<HttpAppOptions, 'routes' | 'isOpenPath'>;
  readonly meta: MetaRoutesParts;
  readonly pools: PoolRoutesParts;
  readonly tasks: TaskRoutesParts;
  readonly node: NodeRoutesParts;
  readonly cache: CacheRoutesParts;
  readonly gc: GcRoutesParts;
  readonly catalog: CatalogRoutesParts;
  readonly engines: EngineRoutesParts;
  readonly operations: Operations;
}

/** The HTTP surface of pool-managerd. [C-02] */
export function createApp(parts: AppParts): Express {
  return createHttpApp({
    ...parts.http,
    routes: (app) => {
      metaRoutes(app, parts.meta);
      poolRoutes(app, parts.pools);
      taskRoutes(app, parts.tasks);
      nodeRoutes(app, parts.node);
      cacheRoutes(app, parts.cache);
      gcRoutes(app, parts.gc);
      catalogRoutes(app, parts.catalog);
      engineRoutes(app, parts.engines);
      operationRoutes(app, parts.operations);
    },
  });
}
