import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { Clock, Log, Metrics, Operations, Shutdown } from '@corral/service-kit';
import type { ResidencyLoop } from '../assignments/residency-loop.js';
import type { WantedSet } from '../assignments/wanted-set.js';
import type { Audit } from '../audit/audit.js';
import type { Catalog } from '../catalog/catalog.js';
import { CatalogCalls } from '../catalog/catalog-calls.js';
import { CatalogIndex } from '../catalog/catalog-index.js';
import { FleetLook } from '../catalog/fleet-look.js';
import { beginPurge } from '../catalog/purge.js';
import { Retirements } from '../catalog/retirements.js';
import type { CatalogRoutesParts } from '../http/catalog.routes.js';
import type { CatalogWorkParts } from '../http/catalog-work.routes.js';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { ServedSource } from '../manifest/served-state.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import type { TaskLoop } from '../tasks/task-loop.js';

export interface OpenCatalogParts {
  readonly catalog: Catalog;
  readonly models: Pick<ModelDirectory, 'specOf'>;
  readonly nodes: NodeDirectory;
  readonly wanted: Pick<WantedSet, 'all'>;
  readonly instances: Pick<InstanceRegistry, 'list'>;
  readonly served: ServedSource;
  readonly tasks: Pick<TaskLoop, 'endTasksOf'>;
  readonly residency: Pick<ResidencyLoop, 'wake'>;
  readonly operations: Operations;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  readonly shutdown: Shutdown;
}

/** Everything that operators see of the catalog and do with it. */
export function openCatalogCalls(parts: OpenCatalogParts): { readonly catalog: CatalogRoutesParts; readonly catalogWork: CatalogWorkParts } {
  const { catalog, models, nodes, wanted, instances, served, shutdown, log, audit } = parts;
  const index = new CatalogIndex({ catalog, found: models.specOf, places: () => nodes.places() });
  const calls = new CatalogCalls({ catalog, index, served });
  const look = (): FleetLook => new FleetLook({ places: nodes.places(), pools: nodes.pools(), wanted: wanted.all() });
  const retirements = new Retirements(parts);
  shutdown.add('retirements', () => retirements.close());
  const unsubscribe = catalog.onChange((modelIds) => {
    log.info('catalog changed', { catalog_version: catalog.version(), models: modelIds.slice(0, 20) });
    parts.residency.wake();
  });
  shutdown.add('catalog news', unsubscribe);
  void catalog.forgetRemoved().catch((error: unknown) => log.warn('purged models not forgotten', { error }));
  return {
    catalog: { catalog, index, calls, nodes, audit, look, operations: parts.operations, purge: (modelId, call) => beginPurge({ ...parts, calls, look, instances: () => instances.list() }, modelId, call) },
    catalogWork: { ...parts, calls, look },
  };
}
