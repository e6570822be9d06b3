import type { NodeState } from '@corral/contracts';
import { authGate, listen, parseAddress } from '@corral/service-kit';
import type { Listening } from '@corral/service-kit';
import { createApp } from '../app.js';
import { listenAddress } from '../config.js';
import type { IntentKeeper } from '../models/intent-keeper.js';
import { setPoolGauges } from '../pools/pool-gauges.js';
import { cacheList, setStagingGauges } from '../staging/staging-view.js';
import { stageable } from '../staging/stageable.js';
import { VERSION } from '../version.js';
import type { Core } from './core.js';
import { setDiskGauges } from './gc.js';
import type { Ground } from './ground.js';
import type { NodeBus } from './open-bus.js';

/** Serves the HTTP surface. Rejects when the address cannot be taken. */
export async function serve(ground: Ground, core: Core, { state, intake, intent }: { readonly state: () => NodeState; readonly intake: NodeBus['intake']; readonly intent: IntentKeeper }): Promise<Listening> {
  const { config, clock, log, metrics, incarnation, shutdown, catalog } = ground;
  const { view, tasks } = core;
  let gauged: ReadonlySet<string> = new Set();
  const app = createApp({
    http: {
      log,
      clock,
      auth: authGate({ tokens: config.tokens }),
      metricsText: async () => {
        await setDiskGauges(ground, core.disposal);
        setStagingGauges(metrics, core.staging);
        gauged = setPoolGauges(metrics, view.pools(), gauged, (poolId) => core.idleIn(poolId));
        return metrics.exposition();
      },
    },
    meta: { version: VERSION, incarnation, notReadyReason: () => view.notReadyReason() },
    pools: {
      pools: () => view.pools(),
      pool: (poolId) => view.pool(poolId),
      operations: ground.operations,
      poolOperations: core.poolOperations,
      reset: (poolId) => core.replicas.reset(poolId),
    },
    tasks: { tasks, clock },
    operations: ground.operations,
    engines: { engines: core.engines, operations: ground.operations },
    cache: {
      area: core.staging?.area ?? null,
      list: () => cacheList(core.staging),
      model: (modelId) => stageable(catalog.get(modelId)),
      modelIds: () => catalog.list().map(({ id }) => id),
    },
    gc: { collector: core.disposal.collector },
    catalog: { store: catalog, jobs: core.jobs, deleteModel: core.disposal.deleteModel, operations: ground.operations, intent },
    node: {
      events: intake,
      state,
      assignments: () => view.assignments(),
    },
  });
  const address = parseAddress(listenAddress(config));
  if (address === undefined) throw new Error(`${listenAddress(config)} is not host:port; correct POOL_MANAGERD_ADDR`);
  const server = await listen(app, address, { log, clock, addressVariable: 'POOL_MANAGERD_ADDR' });
  shutdown.add('server', () => {
    tasks.close();
    return server.close(config.shutdown_grace_ms);
  });
  // Before the server: whoever waits for the end of one is told why it does not come.
  shutdown.add('operations', () => ground.operations.close());
  return server;
}
