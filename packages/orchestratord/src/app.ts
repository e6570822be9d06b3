import { createHttpApp, operationRoutes, type HttpAppOptions, type Operations } from '@corral/service-kit';
import type { Express } from 'express';
import { adminRoutes, type AdminRoutesParts } from './http/admin.routes.js';
import { catalogRoutes, type CatalogRoutesParts } from './http/catalog.routes.js';
import { catalogWorkRoutes, type CatalogWorkParts } from './http/catalog-work.routes.js';
import { dashboardRoutes, isDashboardPath, type DashboardRoutesParts } from './http/dashboard.routes.js';
import { chatRoutes, type ChatRoutesParts } from './http/chat.routes.js';
import { engineRoutes, type EngineRoutesParts } from './http/engines.routes.js';
import { gcRoutes, type GcRoutesParts } from './http/gc.routes.js';
import { instanceRoutes, type InstanceRoutesParts } from './http/instances.routes.js';
import { eventRoutes, type EventRoutesParts } from './http/events.routes.js';
import { metaRoutes, type MetaRoutesParts } from './http/meta.routes.js';
import { nodeRoutes, type NodeRoutesParts } from './http/nodes.routes.js';
import { openAiRoutes, type OpenAiRoutesParts } from './http/openai.routes.js';
import { poolOperationRoutes, type PoolOperationRoutesParts } from './http/pool-operations.routes.js';
import { poolRoutes, type PoolRoutesParts } from './http/pools.routes.js';
import { isReloadPath, reloadRoutes, type ReloadRoutesParts } from './http/reload.routes.js';
import { roleGuard } from './http/role-guard.js';
import { stagingRoutes, type StagingRoutesParts } from './http/staging.routes.js';
import { statsRoutes, type StatsRoutesParts } from './http/stats.routes.js';
import { taskRoutes, type TaskRoutesParts } from './http/tasks.routes.js';

export interface AppParts {
  readonly http: Omit<HttpAppOptions, 'routes' | 'isOpenPath' | 'isOwnGate'>;
  readonly meta: MetaRoutesParts;
  readonly dashboard: DashboardRoutesParts;
  readonly tasks: TaskRoutesParts;
  readonly openAi: OpenAiRoutesParts;
  readonly nodes: NodeRoutesParts;
  readonly pools: PoolRoutesParts;
  readonly poolOperations: PoolOperationRoutesParts;
  readonly staging: StagingRoutesParts;
  readonly catalog: CatalogRoutesParts;
  readonly catalogWork: CatalogWorkParts;
  readonly gc: GcRoutesParts;
  readonly engines: EngineRoutesParts;
  readonly events: EventRoutesParts;
  readonly admin: AdminRoutesParts;
  readonly instances: InstanceRoutesParts;
  readonly chat: ChatRoutesParts;
  readonly stats: StatsRoutesParts;
  readonly operations: Operations;
  readonly reloads: ReloadRoutesParts;
}

const MIB = 1_048_576;

/** A node that has as many files as it may tells of them all. */
function bodyLimitOf(path: string): number {
  return path.startsWith('/v2/nodes/') ? 64 * MIB : 10 * MIB;
}

/** The HTTP surface of orchestratord. */
export function createApp(parts: AppParts): Express {
  return createHttpApp({
    ...parts.http,
    isOpenPath: isDashboardPath,
    bodyLimitBytes: bodyLimitOf,
    isOwnGate: isReloadPath,
    routes: (app) => {
      app.use(roleGuard(app, parts.admin.audit));
      metaRoutes(app, parts.meta);
      openAiRoutes(app, parts.openAi);
      taskRoutes(app, parts.tasks);
      poolRoutes(app, parts.pools);
      poolOperationRoutes(app, parts.poolOperations);
      stagingRoutes(app, parts.staging);
      catalogRoutes(app, parts.catalog);
      catalogWorkRoutes(app, parts.catalogWork);
      gcRoutes(app, parts.gc);
      engineRoutes(app, parts.engines);
      nodeRoutes(app, parts.nodes);
      eventRoutes(app, parts.events);
      adminRoutes(app, parts.admin);
      dashboardRoutes(app, parts.dashboard);
      instanceRoutes(app, parts.instances);
      chatRoutes(app, parts.chat);
      statsRoutes(app, parts.stats);
      operationRoutes(app, parts.operations);
      reloadRoutes(app, parts.reloads);
    },
  });
}
