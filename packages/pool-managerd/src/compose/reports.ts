import type { NodeState } from '@corral/contracts';
import type { DeviceDiscovery } from '@corral/engine';
import type { EventBus } from '@corral/event-bus';
import { messageOf, parseAddress } from '@corral/service-kit';
import type { HttpClient, Listening } from '@corral/service-kit';
import { listenAddress } from '../config.js';
import { deletedOf } from '../gc/collectable-models.js';
import { deletionEvent } from '../models/deletion-event.js';
import { scoutDevices } from '../devices/device-scout.js';
import type { IntentKeeper } from '../models/intent-keeper.js';
import { advertisedUrl } from '../node/advertised-url.js';
import { AnswerHandler } from '../node/answer-handler.js';
import { httpControlPlane } from '../node/control-plane.js';
import { EventOutbox } from '../node/event-outbox.js';
import { capabilitiesOf, machineId } from '../node/machine.js';
import { nodeModel } from '../node/node-model.js';
import { Reporter } from '../node/reporter.js';
import { RoundWatch } from '../node/round-watch.js';
import { VERSION } from '../version.js';
import type { Core, News } from './core.js';
import type { Ground } from './ground.js';
import type { NodeBus } from './open-bus.js';

export interface ReportParts {
  readonly state: () => NodeState;
  readonly server: Listening;
  readonly news: News;
  readonly link: NodeBus;
  readonly intent: IntentKeeper;
}

/** Starts what goes on by itself: the search for devices, reports to the control plane, events. */
export async function startReports(ground: Ground, core: Core, { state, server, news, link, intent }: ReportParts): Promise<void> {
  const { config, clock, log, nodeId, shutdown, engine, catalog } = ground;
  const { control_plane: settings } = config;
  const { client, bus } = link;
  const outbox = buildOutbox(ground, bus);
  const found: { discovery: DeviceDiscovery | null } = { discovery: null };
  const reporter = await buildReporter(ground, core, { client, state, server, outbox, intent, capabilities: () => capabilitiesOf(found.discovery) });
  const watch = buildWatch(ground, core, outbox);
  news.changed = reporter.changed;
  news.deleted = (deleted) => {
    outbox.put(deletionEvent(deleted, ground));
    reporter.changed();
  };
  for (const ended of ground.endedRemovals) news.deleted(deletedOf(ended));
  news.happened = (event) => outbox.put(event);
  bus.onConnected(() => {
    outbox.hasten();
    reporter.changed();
  });
  news.round = () => {
    // What is seen before the pools are known is no news of them.
    if (core.pools.isSettled) watch.observe({ pools: core.view.pools(), assignments: core.view.assignments(), models: catalog.list().map(nodeModel) });
    intent.look();
    reporter.changed();
  };
  const stop = new AbortController();
  const onFound = (discovery: DeviceDiscovery): void => {
    found.discovery = discovery;
    core.discovered(discovery);
  };
  const settle = clock.sleep(settings.settle_ms, stop.signal).then(() => core.planner.settle('the control plane did not answer in time'));
  const running = [
    scoutDevices({ provider: engine, clock, log, retryMs: config.devices.rediscover_ms, onFound, onFailed: (reason) => core.planner.searchFailed(reason) }, stop.signal),
    settle.catch(() => undefined),
    reporter.run(stop.signal),
    outbox.run(stop.signal),
    core.disposal.collector.loop(config.gc.interval_s * 1_000, stop.signal),
  ];
  shutdown.add('reports', async () => {
    stop.abort(new Error('the daemon stops'));
    await Promise.all(running);
    await httpControlPlane(client).deregister(nodeId, { timeoutMs: 1_000 }).catch((error: unknown) => log.info('not deregistered', { reason: messageOf(error) }));
  });
}

function buildOutbox({ config, clock, log, random, metrics }: Ground, bus: EventBus): EventOutbox {
  const { retry_initial_ms: initialMs, retry_max_ms: maxMs, events_max: capacity } = config.control_plane;
  return new EventOutbox({ bus, clock, log, random, retry: { initialMs, maxMs }, capacity, onSent: (type, outcome) => metrics.inc('events_published_total', { type, outcome }) });
}

function buildWatch({ nodeId, clock, log, catalog }: Ground, { view, pools }: Core, outbox: EventOutbox): RoundWatch {
  return new RoundWatch({
    nodeId,
    clock,
    log,
    models: catalog.list().map(nodeModel),
    reasonOf: (poolId) => view.reasonOf(poolId),
    publish: (event) => outbox.put(event),
    onPoolUsable: (poolId) => pools.markUsable(poolId),
    onPoolReady: (poolId) => pools.markReady(poolId),
  });
}

interface ReporterParts extends Omit<ReportParts, 'news' | 'link'> {
  readonly client: HttpClient;
  readonly outbox: EventOutbox;
  capabilities(): ReturnType<typeof capabilitiesOf>;
}

async function buildReporter(ground: Ground, { planner, preloads }: Core, { client, state, server, outbox, intent, capabilities }: ReporterParts): Promise<Reporter> {
  const { config, clock, log, random, nodeId, journal } = ground;
  const { control_plane: settings, advertise_url: advertiseUrl, orchestrator_url: orchestratorUrl } = config;
  const answers = new AnswerHandler({ journal, planner, preloads, intent, log });
  const machine = await machineId();
  const address = advertisedUrl({ advertiseUrl, url: server.url, host: parseAddress(listenAddress(config))?.host ?? '', orchestratorUrl });
  return new Reporter({
    controlPlane: httpControlPlane(client),
    clock,
    log,
    random,
    retry: { initialMs: settings.retry_initial_ms, maxMs: settings.retry_max_ms },
    requestMs: settings.request_ms,
    gapMs: settings.gap_ms,
    detailMs: settings.detail_ms,
    buildState: state,
    registration: (current) => ({ node_id: nodeId, machine_id: machine, address, state: current, capabilities: capabilities(), version: VERSION }),
    journalSeq: () => journal.state.seq,
    onAnswer: (wanted, about) => answers.take(wanted, about),
    onRegistered: (isRegistered) => isRegistered && outbox.hasten(),
  });
}
