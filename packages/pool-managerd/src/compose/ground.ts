import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { POOL_MANAGERD_METRICS } from '@corral/contracts';
import { openCatalog, openEngines } from '@corral/catalog-core/fs';
import type { CatalogStore, EndedRemoval, EngineStore } from '@corral/catalog-core/fs';
import type { EngineProvider } from '@corral/engine';
import { createLog, createMetrics, newId, Operations } from '@corral/service-kit';
import type { Clock, Log, Metrics, Shutdown } from '@corral/service-kit';
import { Journal } from '../assignments/journal.js';
import type { PoolManagerdConfig } from '../config.js';
import { parseDeviceName } from '../devices/device-name.js';
import type { DevicePermissions } from '../devices/device-problem.js';
import { removeLeftoverSockets } from '../node/leftover-sockets.js';
import { EngineChoices } from '../engines/engine-choices.js';
import { nodeIdFromHost } from '../node/machine.js';
import { takeNodeLock } from '../node/node-lock.js';
import { openStage } from '../staging/open-stage.js';
import type { OpenedStage } from '../staging/open-stage.js';
import { ReadinessRecords } from '../replicas/readiness-records.js';

/** What a node is started with. */
export interface NodeParts {
  /** With a state directory. */
  readonly config: PoolManagerdConfig;
  readonly engine: EngineProvider;
  /** The environment that the tools of fetchers run in. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Gets everything that has to be closed. */
  readonly shutdown: Shutdown;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Everything that the parts share once the state directory is open. */
export interface Ground extends NodeParts {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly permissions: DevicePermissions;
  readonly metrics: Metrics<typeof POOL_MANAGERD_METRICS>;
  readonly catalog: CatalogStore;
  /** Deletions that a crash had cut short and the opening of the catalog has ended. */
  readonly endedRemovals: readonly EndedRemoval[];
  readonly engineStore: EngineStore;
  /** Which build of the engine runs on which kind of device. */
  readonly choices: EngineChoices;
  readonly journal: Journal;
  readonly records: ReadinessRecords;
  /** `null` where nothing can be staged. */
  readonly stage: OpenedStage | null;
  /** What engine workers write, kept apart from what the node says of them. */
  readonly workerLog: Log;
  /** What goes on after its call was answered. */
  readonly operations: Operations;
}

/** Takes the state directory of a node, or rejects when another one has it. */
export async function openGround(parts: NodeParts): Promise<Ground> {
  const { config, shutdown, clock, log } = parts;
  const nodeDir = join(config.state_dir, 'node');
  await mkdir(nodeDir, { recursive: true });
  const lock = await takeNodeLock(join(nodeDir, '.lock'), clock);
  shutdown.add('lock', () => lock.release());
  const sockets = await removeLeftoverSockets(tmpdir());
  const nodeId = config.node_id === '' ? nodeIdFromHost() : config.node_id;
  const { store, scan } = await openCatalog(config.models_dir === '' ? join(config.state_dir, 'models') : config.models_dir, { resumableSinceMs: clock.nowMs() - config.fetch.keep_partial_ms });
  shutdown.add('catalog', () => store.close());
  const { store: engineStore, removed: removedEngines } = await openEngines(join(config.state_dir, 'engines'));
  shutdown.add('engine catalog', () => engineStore.close());
  const choices = new EngineChoices({ store: engineStore, engine: parts.engine, log });
  await choices.check();
  const journal = await Journal.open({ path: join(nodeDir, 'journal.json'), nodeId, log });
  shutdown.add('journal', () => journal.close());
  const workerLog = createLog({ service: 'engine-worker', level: 'debug', files: [join(nodeDir, 'workers.jsonl')] });
  shutdown.add('worker log', () => workerLog.close());
  const records = await ReadinessRecords.open(join(nodeDir, 'engines'), log);
  shutdown.add('readiness records', () => records.close());
  const stage = await openStage(config.stage, config.state_dir, log);
  const incarnation = newId();
  log.info('state directory open', {
    node_id: nodeId,
    incarnation,
    assignments: journal.state.entries.size,
    models: store.list().length,
    suspect: scan.suspect,
    ended_removals: scan.endedRemovals,
    removed_partials: scan.removedPartials.length,
    removed_sockets: sockets,
    removed_engines: removedEngines.length,
  });
  return { ...parts, nodeId, incarnation, permissions: permissionsOf(config), metrics: createMetrics(POOL_MANAGERD_METRICS, { budgets: { pool_id: 256 } }), catalog: store, endedRemovals: scan.endedRemovals, engineStore, choices, journal, records, stage, workerLog, operations: new Operations({ clock, log }) };
}

function permissionsOf({ devices, profile }: PoolManagerdConfig): DevicePermissions {
  return { devices: devices.use?.map((name) => parseDeviceName(name) ?? name) ?? null, allowCpu: devices.allow_cpu, cpuCanBeAllowed: profile === 'home' };
}
