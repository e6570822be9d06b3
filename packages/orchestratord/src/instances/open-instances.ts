import type { EventBus } from '@corral/event-bus';
import type { Clock, Log, Shutdown } from '@corral/service-kit';
import type { Lifecycle } from '../assignments/lifecycle.js';
import type { WantedSet } from '../assignments/wanted-set.js';
import type { StatsRoutesParts } from '../http/stats.routes.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import { watchEventAges } from '../nodes/event-ages.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import type { Store } from '../store/open-store.js';
import { unsentCounts } from '../store/outbox-rows.js';
import { InstanceHistory } from './instance-history.js';
import type { InstanceRegistry } from './instance-registry.js';
import { Instances } from './instances.js';
import { noteNodeEvents } from './node-happenings.js';

export interface OpenInstancesParts {
  readonly store: Store;
  readonly registry: InstanceRegistry;
  readonly lifecycle: Lifecycle;
  readonly wanted: Pick<WantedSet, 'forget'>;
  readonly models: ModelDirectory;
  readonly nodes: NodeDirectory;
  readonly bus: Pick<EventBus, 'state'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly shutdown: Shutdown;
}

export interface OpenedInstances {
  readonly instances: Instances;
  readonly history: InstanceHistory;
  readonly stats: StatsRoutesParts;
}

/** Everything that is known and done about instances beside what is wanted of nodes. */
export function openInstances(parts: OpenInstancesParts): OpenedInstances {
  const { store, registry, lifecycle, wanted, models, nodes, bus, clock, log, shutdown } = parts;
  const history = new InstanceHistory({ store, clock, log });
  const unsubscribe = noteNodeEvents(nodes, history);
  shutdown.add('history', async () => {
    unsubscribe();
    await history.close();
  });
  const instances = new Instances({ store, registry, lifecycle, wanted, models, history, log });
  const stats: StatsRoutesParts = {
    clock,
    nodes,
    eventAges: watchEventAges(nodes, clock),
    bus: () => bus.state(),
    unsent: () => unsentCounts(store.db),
    sources: () => ({ instances: registry.list(), pools: nodes.pools(), places: nodes.places(), stateOf: (instance) => lifecycle.stateOf(instance), specOf: models.specOf, keyOf: models.keyOf }),
  };
  return { instances, history, stats };
}
