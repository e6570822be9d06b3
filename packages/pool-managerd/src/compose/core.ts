import type { EventEnvelope } from '@corral/contracts';
import type { DeviceDiscovery } from '@corral/engine';
import { isProvisionError } from '@corral/provisioners';
import type { Engines } from '../engines/engines.js';
import type { ExternalEngines } from '../external/external-engines.js';
import { Reconciler } from '../assignments/reconciler.js';
import type { Swaps } from '../assignments/swaps.js';
import type { GarbageCollector } from '../gc/garbage-collector.js';
import type { DeletedModel } from '../models/delete-model.js';
import type { CatalogJobs } from '../models/catalog-jobs.js';
import type { LastUses } from '../models/last-uses.js';
import { webLimitsOf } from '../models/fetch-settings.js';
import { learnMemory } from '../models/learn-memory.js';
import { ModelPresence } from '../models/model-presence.js';
import { ensureMeant } from '../models/ensure-meant.js';
import { ModelSource } from '../models/model-source.js';
import { NodeView } from '../node/node-view.js';
import { IdleWorkers } from '../pools/idle-workers.js';
import type { PoolChanges } from '../pools/pool-changes.js';
import type { PoolOperations } from '../pools/pool-operations.js';
import { PoolPlanner } from '../pools/pool-planner.js';
import { PoolTable } from '../pools/pool-table.js';
import { ToldPreloads } from '../pools/preloads.js';
import { TierSpeeds } from '../node/tier-speeds.js';
import { ReplicaSet } from '../replicas/replica-set.js';
import type { ReplicaSetOptions } from '../replicas/replica-set-options.js';
import type { PrefixStore } from '../replicas/prefix-store.js';
import { replicaWatch } from '../replicas/replica-watch.js';
import { supervisionOf } from '../replicas/supervision-settings.js';
import { TaskRelay } from '../replicas/task-relay.js';
import type { StagingSources } from '../staging/staging-view.js';
import { buildJobs, keepLastUses } from './catalog.js';
import { buildDisposal } from './gc.js';
import type { Disposal } from './gc.js';
import type { Ground } from './ground.js';
import { buildChanges } from './changes.js';
import { buildPoolOperations } from './pool-operations.js';
import { buildEngines, buildExternal } from './engines.js';
import { buildPrefixes, buildStaging, weightsSource } from './staging.js';

/** The owners of state and what they are read through. */
export interface Core {
  readonly pools: PoolTable;
  readonly planner: PoolPlanner;
  readonly preloads: ToldPreloads;
  readonly presence: ModelPresence;
  readonly replicas: ReplicaSet;
  readonly swaps: Swaps;
  readonly changes: PoolChanges;
  readonly reconciler: Reconciler;
  readonly view: NodeView;
  readonly tasks: TaskRelay;
  readonly speeds: TierSpeeds;
  readonly poolOperations: PoolOperations;
  readonly disposal: Disposal;
  readonly engines: Engines;
  readonly external: ExternalEngines;
  /** `null` where nothing can be staged. */
  readonly staging: StagingSources | null;
  /** Pulls and verifications. */
  readonly jobs: CatalogJobs;
  /** Initialised engine workers without a model on the device of a pool. */
  idleIn(poolId: string): number;
  /** Told when devices are known. */
  discovered(discovery: DeviceDiscovery): void;
}

/** Where the core's news go; filled once the reports exist. */
export interface News {
  round(): void;
  changed(): void;
  deleted(model: DeletedModel): void;
  happened(event: EventEnvelope): void;
  /** Looks at what operators mean at this moment. */
  refreshIntent(): Promise<void>;
}

/** Builds the owners of state and the loop that moves them. Nothing of it acts before the devices are known. */
export function buildCore(ground: Ground, news: News): Core {
  const { config, clock, log, journal, nodeId, engine, shutdown, catalog, choices } = ground;
  const speeds = new TierSpeeds();
  const uses = keepLastUses(ground);
  // Everything wakes the loop; the loop is made of everything.
  const loop: { poke(): void } = { poke: () => {} };
  const poke = (): void => loop.poke();
  const idle = new IdleWorkers({ provider: engine, workers: config.idle_workers, log: ground.workerLog, onChange: poke, bundleOf: (kind) => choices.bundle(choices.forIdleWorkers(kind)) });
  const follow = (): void => {
    idle.follow(pools.list());
    poke();
  };
  const pools: PoolTable = new PoolTable(clock, follow, (kind) => choices.forReplicas(kind));
  choices.onChange(follow);
  const external: ExternalEngines = buildExternal(ground, () => {
    planner.replan();
    poke();
  }, (poolId) => replicas.reset(poolId));
  const planner: PoolPlanner = buildPlanner(ground, pools, external);
  const models = buildModels(ground, { poke, news, speeds, isStaged: (digest) => staging?.area.has(digest) ?? false, collector: () => disposal.collector });
  const prefixes = buildPrefixes(ground, () => staging?.area.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) ?? 0);
  const staging: StagingSources | null = buildStaging(ground, { poke, speeds, prefixes, onUsed: uses.used, onDoubtful: (digest) => models.presence.recheckFile(digest) });
  const onMeasured: ReplicaSetOptions['onMeasured'] = ({ digest, contextTokens, slots }, deviceKind, taken) => {
    // The entry changes a moment after the replica: that is news of its own.
    void learnMemory({ digest, deviceKind, context: contextTokens, slots, ...taken }, { presence: models.presence, catalog, log }).then(poke);
  };
  const replicas = buildReplicas(ground, { poke, news, speeds, uses, staging, prefixes, external, onMeasured });
  const { memory_grace_ms: memoryGraceMs, drain_ms: drainMs, swap_linger_ms: swapLingerMs } = config.replicas;
  const { swaps, changes } = buildChanges(ground, poke);
  const engines = buildEngines(ground, { pools, replicas, idle, external, publish: (event) => news.happened(event) });
  const disposal: Disposal = buildDisposal(ground, { presence: models.presence, replicas, changes, swaps, engines, staging, onDeleted: (deleted) => news.deleted(deleted) });
  const jobs = buildJobs(ground, { ensure: models.ensure, areDevicesKnown: models.areDevicesKnown, presence: models.presence, book: disposal.work });
  const { restart } = supervisionOf(config.supervision);
  const reconciler = new Reconciler({ journal, presence: models.presence, staging: staging?.area ?? null, pools, replicas, swaps, changes, attached: () => external.wanted(), clock, log, drainMs, memoryGraceMs, swapLingerMs, restart, parking: { maxParked: config.parking.max_parked, unstaged: config.parking.unstaged }, onRound: () => {
    prefixes?.retain(catalog.list().map(({ digest }) => digest));
    news.round();
  } });
  loop.poke = reconciler.poke;
  journal.onChange(poke);
  catalog.onChange(poke);
  const tasks = buildTasks(ground, { pools, replicas, uses });
  shutdown.add('models', models.close);
  shutdown.add('external engines', () => external.close());
  shutdown.add('idle workers', () => idle.close());
  shutdown.add('replicas', () => replicas.close());
  shutdown.add('reconciler', () => reconciler.close());
  const poolOperations = buildPoolOperations(ground, { pools, replicas, swaps, changes, disposal, engines, staging, prefixes, presence: models.presence, view: () => view });
  const preloads = new ToldPreloads(poke);
  const view: NodeView = new NodeView({ nodeId, clock, engine, journal, presence: models.presence, pools, replicas, swaps, changes, preloads, operationIn: (poolId) => poolOperations.runningIn(poolId), idle, catalog, staging: staging?.area ?? null });
  const idleIn = (poolId: string): number => {
    const pool = pools.get(poolId);
    return pool === undefined ? 0 : (idle.stateOf(pool.planned)?.ready ?? 0);
  };
  const discovered = (discovery: DeviceDiscovery): void => {
    models.discovered(discovery);
    planner.discovered(discovery);
  };
  return { pools, planner, preloads, presence: models.presence, replicas, swaps, changes, poolOperations, reconciler, view, tasks, speeds, engines, external, disposal, jobs, staging, idleIn, discovered };
}

function buildPlanner({ config, nodeId, permissions, journal, log }: Ground, pools: PoolTable, external: ExternalEngines): PoolPlanner {
  const { memory_bytes: memoryBytes, threads, replicas } = config.cpu_pool;
  return new PoolPlanner({ nodeId, permissions, cpu: { memoryBytes, threads, replicas }, pools, log, choices: () => journal.state.choices, attached: () => external.pools() });
}

function buildTasks({ log }: Ground, { pools, replicas, uses }: { readonly pools: PoolTable; readonly replicas: ReplicaSet; readonly uses: ReturnType<typeof keepLastUses> }): TaskRelay {
  return new TaskRelay({
    replicas,
    log,
    onAdmitted: uses.used,
    obstacleOf: (poolId) => {
      const pool = pools.get(poolId);
      return pool && (pool.planned.problem ?? (pool.drainDeadlineMs === null ? null : 'it is drained; send the task elsewhere'));
    },
  });
}

interface ModelParts {
  readonly poke: () => void;
  readonly news: News;
  readonly speeds: TierSpeeds;
  readonly isStaged: (digest: string) => boolean;
  readonly collector: () => GarbageCollector;
}

function buildModels(ground: Ground, { poke, news, speeds, isStaged, collector }: ModelParts) {
  const { config, clock, log, random, metrics, engine, catalog, permissions, env } = ground;
  const sources: ModelSource[] = [];
  const ensure = ensureMeant(async (wanted, options) => {
    const source = sources.at(-1);
    if (source === undefined) throw new Error('the devices of this node are not known yet; the model is looked for again');
    return source.ensure(wanted, options).catch((error: unknown) => {
      // The next try may find the room that this pass makes.
      if (isDiskFull(error)) void collector().run('fetch').catch(() => undefined);
      throw error;
    });
  }, () => news.refreshIntent());
  const presence = new ModelPresence({
    ensure,
    concurrency: config.models.concurrency,
    retry: { initialMs: config.models.retry_initial_ms, maxMs: config.models.retry_max_ms },
    clock,
    random,
    log,
    onChange: poke,
  });
  const discovered = (discovery: DeviceDiscovery): void => {
    const onFetched: ConstructorParameters<typeof ModelSource>[0]['onFetched'] = (outcome, fetched) => {
      metrics.inc('model_fetch_total', { outcome });
      if (fetched !== null) metrics.inc('model_fetch_bytes_total', { scheme: fetched.scheme }, fetched.bytes);
    };
    sources.push(new ModelSource({ provider: engine, store: catalog, permissions, fetchAllow: config.fetch_allow, web: webLimitsOf(config.fetch), batchTokens: config.replicas.batch_tokens, env, clock, random, log, onFetched, isStaged, makeRoom: (bytes) => collector().makeRoom(bytes), onDownloaded: (bytes, durationMs) => speeds.fetched(bytes, durationMs) }, discovery));
  };
  const close = async (): Promise<void> => {
    await presence.close();
    for (const source of sources) await source.close();
  };
  return { ensure, areDevicesKnown: () => sources.length > 0, presence, discovered, close };
}

function isDiskFull(error: unknown): boolean {
  return isProvisionError(error) && (error.code === 'DISK_FULL' || error.attempts.some(({ code }) => code === 'DISK_FULL'));
}

interface ReplicaParts {
  readonly poke: () => void;
  readonly news: News;
  readonly speeds: TierSpeeds;
  readonly uses: LastUses;
  readonly staging: StagingSources | null;
  readonly prefixes: PrefixStore | null;
  readonly external: Pick<ExternalEngines, 'providerOf'>;
  readonly onMeasured: ReplicaSetOptions['onMeasured'];
}

function buildReplicas(ground: Ground, { poke, news, speeds, uses, staging, prefixes, external, onMeasured }: ReplicaParts): ReplicaSet {
  const { config, clock, log, random, metrics, engine, catalog, choices, workerLog, records } = ground;
  const { replicas: settings } = config;
  const watch = replicaWatch({ log, metrics, engine });
  return new ReplicaSet({
    provider: engine,
    bundleOf: (engineId) => choices.bundle(engineId),
    providerOf: (engineId) => external.providerOf(engineId),
    clock,
    log: workerLog,
    random,
    limits: { stallMs: settings.load_stall_ms, probeMs: settings.probe_timeout_ms },
    ...supervisionOf(config.supervision),
    stopMs: settings.stop_ms,
    weightsOf: weightsSource(ground, { staging, speeds, onUsed: uses.used }),
    near: {
      parking: config.parking.enabled ? { unstaged: config.parking.unstaged } : null,
      prefixes,
      limits: { parkMs: settings.stop_ms, resumeMs: settings.load_stall_ms, probeMs: settings.probe_timeout_ms, saveMs: config.prefixes.save_ms },
    },
    batchTokens: settings.batch_tokens,
    prefillChunkTokens: settings.prefill_chunk_tokens,
    onChange: (change) => {
      const { from, to } = change;
      if (from?.phase.state === 'loading' && to?.phase.state !== 'loading') speeds.loaded(from.replicaId, catalog.get(from.modelId)?.sizeBytes ?? 0, to?.phase.state === 'resident' ? to.phase.sinceMs - from.phase.sinceMs : null);
      watch(change);
      records.take(change);
      poke();
    },
    onMeasured,
    onHealth: (pool_id, outcome) => metrics.inc('pool_health_checks_total', { pool_id, outcome }),
    onLeases: (isDraining) => {
      if (isDraining) poke();
      news.changed();
    },
  });
}
