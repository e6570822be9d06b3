import { ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { EventBus, HttpEventBus } from '@corral/event-bus';
import { createMetrics, listen, newId, Operations, parseAddress, type Clock, type Listening, type Log, type Metrics, type Shutdown } from '@corral/service-kit';
import { openAccess, type Access } from './access/open-access.js';
import { createApp } from './app.js';
import { OutboxRelay } from './assignments/outbox-relay.js';
import { ResidencyLoop } from './assignments/residency-loop.js';
import { WantedSet } from './assignments/wanted-set.js';
import { Catalog } from './catalog/catalog.js';
import { CatalogMeter } from './catalog/catalog-meter.js';
import { openCatalogCalls } from './compose/open-catalog.js';
import { openBus } from './compose/open-bus.js';
import { openManifest, type OpenedManifest } from './compose/open-manifest.js';
import { openReloads } from './compose/open-reloads.js';
import { openReloadDoors } from './compose/reload-doors.js';
import { staticNodes, type OrchestratordConfig } from './config.js';
import { dashboardFolder, readSite, type Site } from './dashboard/read-site.js';
import { EventFeed } from './events/event-feed.js';
import { OwnEvents } from './events/own-events.js';
import { keepManifestInstances, type ManifestNews } from './instances/keep-manifest-instances.js';
import { InstanceRegistry } from './instances/instance-registry.js';
import { openInstances } from './instances/open-instances.js';
import { indexOf } from './manifest/manifest-index.js';
import { ModelDirectory } from './manifest/model-directory.js';
import { Hangups } from './reloads/hangups.js';
import { CatalogNudge } from './nodes/catalog-nudge.js';
import { thisHost } from './nodes/local-node.js';
import { nodeEndpoint } from './nodes/node-events.js';
import { NodeRegistry } from './nodes/node-registry.js';
import { openStore, type Store } from './store/open-store.js';
import { PoolCalls } from './operations/pool-calls.js';
import { NodeDispatcher } from './tasks/node-dispatcher.js';
import { TaskJournal } from './tasks/task-journal.js';
import { TaskLogs } from './tasks/task-logs.js';
import { TaskLoop } from './tasks/task-loop.js';
import { VERSION } from './version.js';

export interface OrchestratordParts {
  readonly config: OrchestratordConfig;
  readonly log: Log;
  readonly clock: Clock;
  readonly shutdown: Shutdown;
}

export interface RunningOrchestratord {
  readonly url: string;
  readonly incarnation: string;
}

type OrchestratordMetrics = Metrics<typeof ORCHESTRATORD_METRICS>;

/** What everything else stands on. */
interface Ground extends OrchestratordParts, OpenedManifest {
  readonly incarnation: string;
  readonly metrics: OrchestratordMetrics;
  readonly store: Store;
  readonly hangups: Hangups;
  readonly feed: EventFeed;
  /** What this daemon tells of itself. */
  readonly events: OwnEvents;
  readonly catalog: Catalog;
  readonly instances: InstanceRegistry;
  readonly manifestNews: ManifestNews;
  readonly access: Access;
  readonly operations: Operations;
}

/** Nodes, wanted set and bus: the side that keeps models where they are wanted. */
interface Fleet {
  readonly bus: EventBus;
  /** What nodes post. */
  readonly inbound: HttpEventBus;
  readonly outbox: OutboxRelay;
  readonly nodes: NodeRegistry;
  readonly models: ModelDirectory;
  readonly residency: ResidencyLoop;
  readonly wanted: WantedSet;
}

/** Bounds that no operator has a reason to move. */
const TASK_LOGS = { finishedMax: 1_000, finishedMaxBytes: 64 * 1_048_576, taskMaxBytes: 48 * 1_048_576 } as const;
const ANSWER_BUFFER_BYTES = 262_144;
/** Of an answer in one piece, which waits for its end; a context of a million tokens stays below. */
const ANSWER_HELD_BYTES = 16 * 1_048_576;
/** What a worker may need beyond its own deadlines to say so itself. */
const WATCH_GRACE_MS = 2_000;
const ATTEMPTS_MAX = 4;

/** Starts the control plane. Rejects when it cannot: another one has its state directory, the manifest is broken, the address is taken. */
export async function startOrchestratord(parts: OrchestratordParts): Promise<RunningOrchestratord> {
  const ground = await openGround(parts);
  const fleet = await startFleet(ground);
  const server = await serve(ground, fleet);
  return { url: server.url, incarnation: ground.incarnation };
}

async function openGround(parts: OrchestratordParts): Promise<Ground> {
  const { config, log, clock, shutdown } = parts;
  const hangups = new Hangups();
  shutdown.add('hangups', () => hangups.close());
  const store = await openStore({ stateDir: config.state_dir, clock, log });
  shutdown.add('store', () => store.close());
  const opened = await openManifest({ config, store, log });
  const { served } = opened;
  const feed = new EventFeed(clock.nowMs());
  const events = new OwnEvents({ store, feed, clock, log, isBrokered: config.amqp_urls.length > 0 });
  const catalog = await Catalog.open({ store, events, served: () => served.current() });
  shutdown.add('catalog', () => catalog.close());
  const instances = await InstanceRegistry.open({ store, served, log });
  const manifestNews = await keepManifestInstances({ store, registry: instances, log }, served.current().instances);
  const access = await openAccess({ config, store, clock, log, shutdown });
  const metrics = createMetrics(ORCHESTRATORD_METRICS, { budgets: { pool_id: 256, replica_id: 1_024, model_id: 1_024, binding: 4_096 } });
  return { ...parts, ...opened, hangups, feed, events, incarnation: newId(), metrics, store, catalog, instances, manifestNews, access, operations: new Operations({ clock, log }) };
}

async function startFleet(ground: Ground): Promise<Fleet> {
  const { config, log, clock, metrics, store, served, catalog, instances, feed, events, shutdown } = ground;
  const link = openBus({ config, log, clock, metrics, feed, endpointOf: (target) => nodeEndpoint(nodes, target) });
  const { bus, inbound } = link;
  const isOnline = (nodeId: string): boolean => nodes.places().some((place) => place.nodeId === nodeId && place.online);
  const outbox: OutboxRelay = new OutboxRelay({ store, bus, clock, log, isOnline, onPublished: feed.put });
  const wanted = await WantedSet.open({ store, instances, keepModels: (specs) => catalog.keep(specs), onCommands: outbox.wake });
  await wanted.forget(ground.manifestNews.removed);
  const nodes: NodeRegistry = new NodeRegistry({
    clock,
    log,
    metrics,
    incarnation: ground.incarnation,
    busMode: bus.state().mode,
    wanted: { assignmentsOf: (nodeId) => wanted.assignmentsOf(nodeId), preloadsOf: (nodeId) => residency.preloadsOf(nodeId), toldAll: (nodeId) => outbox.toldAll(nodeId, wanted.lastCommandId) },
    catalog,
    pools: () => served.current().pools,
    host: await thisHost(),
    staticUrls: staticNodes(config),
    token: config.tokens[0],
    heartbeatMs: config.node_heartbeat_ms,
    offlineMs: config.node_offline_ms,
  });
  const models: ModelDirectory = new ModelDirectory({ served, instances, nodes, catalog, servedMeanwhile: (key, modelRef) => residency.servedMeanwhile(key, modelRef) });
  const residency: ResidencyLoop = new ResidencyLoop({
    nodes,
    models,
    instances,
    wanted,
    outbox,
    served,
    swapQuantumMs: config.swap_quantum_ms,
    hotCeiling: config.hot_ceiling === 0 ? null : config.hot_ceiling,
    nodeGraceMs: config.node_offline_ms,
    clock,
    log,
    metrics,
    onCrash: endProcess,
  });
  const unsubscribe = link.join(nodes, outbox);
  const nudge = watchCatalog(ground, nodes);
  outbox.start();
  events.start(bus);
  nodes.start();
  residency.start();
  refreshChanged(ground, residency);
  shutdown.add('fleet', async () => {
    unsubscribe();
    await nudge.close();
    await residency.close();
    await outbox.close();
    await events.close();
    await nodes.close();
    await link.close();
  });
  return { bus, inbound, outbox, nodes, models, residency, wanted };
}

/** Nodes hear of a changed catalog at once. */
function watchCatalog({ catalog, clock, log }: Ground, nodes: NodeRegistry): CatalogNudge {
  const nudge = new CatalogNudge({ nodes, clock, log });
  catalog.onChange(nudge.changed);
  return nudge;
}

/** What the manifest changed while this daemon was away. */
function refreshChanged({ manifestNews, log }: Ground, residency: ResidencyLoop): void {
  for (const key of manifestNews.refreshed) {
    void residency.refresh(key, newId()).catch((error: unknown) => log.warn('instance of the manifest not refreshed', { org_id: key.orgId, instance_id: key.instanceId, error }));
  }
}

async function serve(ground: Ground, fleet: Fleet): Promise<Listening> {
  const { config, log, clock, metrics, instances, served, shutdown, access } = ground;
  const { nodes, models } = fleet;
  const loop = openTaskLoop(ground, fleet);
  const logs = new TaskLogs({ ...TASK_LOGS, retentionMs: config.task_retention_ms, cancelOnDisconnect: config.cancel_on_disconnect }, clock);
  const submit = { loop, resolve: models.resolve.bind(models), touch: instances.touch.bind(instances), accept: (ids: readonly string[]) => ground.bindings.accept(ids) };
  const answers = {
    bufferMaxBytes: ANSWER_BUFFER_BYTES,
    stallMs: config.client_stall_ms,
    cancelOnDisconnect: config.cancel_on_disconnect,
    onStalled: () => metrics.inc('sse_backpressure_drops_total', {}),
  };
  const opened = openInstances({ ...ground, ...fleet, registry: instances, lifecycle: fleet.residency });
  const reloads = await openReloads({ ...ground, ...fleet, tasks: loop });
  const doors = openReloadDoors({ ...ground, ...fleet, reloads, audit: access.audit, served: () => ({ path: served.current().path, hash: served.current().hash, problem: served.problem() }) });
  const catalogMeter = new CatalogMeter(ground.catalog, metrics);
  const app = createApp({
    http: { log, clock, auth: access.gate, metricsText: () => (doors.meter(), catalogMeter.read(), expose(metrics, fleet, loop)), isRoutine: (path) => path.endsWith('/heartbeat') },
    dashboard: { site: await siteOf(log) },
    meta: { version: VERSION, incarnation: ground.incarnation, pools: () => nodes.pools(), largestContext: () => models.largestContext(), problem: () => served.problem() },
    tasks: { ...submit, loop, logs },
    openAi: {
      ...submit,
      served: (orgId) => models.served(orgId),
      servedSinceS: Math.floor(clock.nowMs() / 1_000),
      answers,
    },
    nodes: { nodes, catalog: ground.catalog, bus: fleet.inbound },
    events: { feed: ground.feed, clock },
    admin: { ...access, instancesOf: (orgId) => instances.explicitOf(orgId).length, nowMs: clock.nowMs },
    staging: { nodes },
    gc: { nodes, operations: ground.operations, audit: access.audit, clock },
    engines: { nodes, operations: ground.operations, audit: access.audit, clock },
    ...openCatalogCalls({ ...ground, ...fleet, tasks: loop, audit: access.audit }),
    instances: { ...opened, audit: access.audit },
    chat: { ...submit, instances: opened.instances, answers },
    stats: opened.stats,
    operations: ground.operations,
    reloads: doors.routes,
    poolOperations: { nodes, calls: new PoolCalls({ nodes, wanted: fleet.wanted, residency: fleet.residency, operations: ground.operations, clock }), operations: ground.operations, audit: access.audit, resolve: models.resolve.bind(models) },
    pools: { nodes, depthOf: (poolId, priority) => loop.depthOf(poolId, priority), leasesOf: (replicaId) => loop.leasesOfReplica(replicaId), reasonOf: (poolId, replica) => fleet.wanted.reasonOf(poolId, models.keyOf(replica)) },
  });
  const address = parseAddress(config.addr);
  if (address === undefined) throw new Error(`${config.addr} is not host:port; correct ORCHESTRATORD_ADDR`);
  const server = await listen(app, address, { log, clock, addressVariable: 'ORCHESTRATORD_ADDR' });
  shutdown.add('server', async () => {
    await loop.stop(config.shutdown_grace_ms);
    await server.close(1_000);
  });
  await doors.open(server);
  // Before the server: whoever waits for the end of one is told why it does not come.
  shutdown.add('operations', () => ground.operations.close());
  return server;
}

function openTaskLoop({ config, log, clock, metrics, served, access }: Ground, { nodes, models, residency }: Fleet): TaskLoop {
  return new TaskLoop({
    pools: nodes,
    residency,
    models,
    clock,
    dispatcher: new NodeDispatcher({
      clock,
      graceMs: WATCH_GRACE_MS,
      heldMaxBytes: ANSWER_HELD_BYTES,
      clientFor: (nodeId) => nodes.clientFor(nodeId),
      unreachable: (nodeId, causeCode) => nodes.unreachable(nodeId, causeCode),
      ask: (nodeId) => nodes.refresh(nodeId),
    }),
    journal: new TaskJournal({ log, metrics, clock, engineVersionOf: (poolId) => nodes.pool(poolId)?.status.engine_version ?? '', used: (by, tokens) => access.usage.count(by, tokens) }),
    limits: {
      queueWaitMs: config.queue_wait_ms,
      loadWaitMs: config.demand_load_wait_ms,
      firstTokenMs: config.first_token_timeout_ms,
      tokenGapMs: config.token_gap_timeout_ms,
      wallMs: config.answer_timeout_ms,
      maxSnapshotAgeMs: config.node_offline_ms,
      attemptsMax: ATTEMPTS_MAX,
    },
    queuePolicyOf: (poolId) => ({
      capacity: indexOf(served.current()).poolOf.get(poolId)?.queueCapacity ?? config.queue_capacity,
      fullPolicy: indexOf(served.current()).poolOf.get(poolId)?.fullPolicy ?? config.queue_full_policy,
    }),
    keyOf: models.keyOf,
    holderOf: (target) => models.holderOf(target),
    targetNow: models.targetNow,
  });
}

/** A control plane without its dashboard is still one: what is missing is said where the page would be. */
async function siteOf(log: Log): Promise<Site> {
  const folder = dashboardFolder();
  if (folder !== null) return readSite(folder);
  log.warn('dashboard was not built; run node scripts/build.mjs and restart to have it under /ui/', {});
  return new Map();
}

/** A half-changed state machine must not go on: the daemon's handler of uncaught errors closes what is open. */
function endProcess(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** Gauges are read off their owners at each scrape. */
async function expose(metrics: OrchestratordMetrics, { nodes, bus }: Fleet, loop: TaskLoop): Promise<string> {
  metrics.set('event_bus_connected', {}, bus.state().connected ? 1 : 0);
  for (const { poolId, status } of nodes.pools()) {
    metrics.set('active_leases', { pool_id: poolId }, loop.leasesOf(poolId));
    for (const priority of ['interactive', 'batch'] as const) {
      metrics.set('queue_depth', { engine: status.engine, engine_version: status.engine_version, pool_id: poolId, priority }, loop.depthOf(poolId, priority));
    }
  }
  return metrics.exposition();
}
