import { envelopeOf } from '@corral/event-bus';
import type { EventEnvelope } from '@corral/contracts';
import type { DeviceKind } from '@corral/catalog-core';
import { EngineProvisioner } from '@corral/provisioners';
import { BundleTrial } from '../engines/bundle-trial.js';
import { Engines } from '../engines/engines.js';
import { ExternalEngines } from '../external/external-engines.js';
import { ExternalProvision } from '../external/external-provision.js';
import type { IdleWorkers } from '../pools/idle-workers.js';
import type { PoolTable } from '../pools/pool-table.js';
import type { ReplicaSet } from '../replicas/replica-set.js';
import type { Ground } from './ground.js';

export interface EngineParts {
  readonly pools: PoolTable;
  readonly replicas: ReplicaSet;
  readonly idle: Pick<IdleWorkers, 'stateOf'>;
  readonly external: ExternalEngines;
  publish(event: EventEnvelope): void;
}

/** Builds the owner of the engine bundles. */
export function buildEngines(ground: Ground, { pools, replicas, idle, external, publish }: EngineParts): Engines {
  const { nodeId, engine, engineStore: store, choices, config, clock, log, workerLog, env, operations, shutdown } = ground;
  const poolsOf = (kind: DeviceKind) => pools.list().map(({ planned }) => planned).filter(({ deviceKind, problem, attached }) => deviceKind === kind && problem === null && attached === undefined);
  const target = { engine: engine.name, version: engine.version, buildRef: engine.buildRef, platform: process.platform, arch: process.arch };
  const trial = new BundleTrial({
    store,
    choices,
    engine,
    workerLog,
    clock,
    replicas: (kind) => poolsOf(kind).flatMap(({ poolId }) => replicas.inPool(poolId)),
    idle: (kind) => poolsOf(kind).filter(({ poolId }) => (pools.get(poolId)?.drainDeadlineMs ?? null) === null).map((pool) => idle.stateOf(pool)),
    deviceOf: (kind) => poolsOf(kind).map(({ deviceMask, threadsPerReplica }) => ({ deviceMask, threads: threadsPerReplica }))[0] ?? null,
    limits: { idleMs: config.engines.idle_ms, swapMs: config.engines.swap_ms, backMs: config.engines.swap_ms },
  });
  const engines = new Engines({
    nodeId,
    store,
    provisioner: new EngineProvisioner({ store, target, builtIn: engine.builtIn, sources: engine.sources, env, clock }),
    choices,
    trial,
    external,
    servers: new ExternalProvision({ nodeId, store, clock }),
    operations,
    clock,
    log,
    uses: {
      replicas: () => replicas.list(),
      leases: (replicaId) => replicas.leases(replicaId),
      idle: () => pools.list().map(({ planned }) => ({ poolId: planned.poolId, engineId: planned.deviceKind === null || planned.attached !== undefined ? null : choices.forIdleWorkers(planned.deviceKind), workers: idle.stateOf(planned)?.pids.length ?? 0 })),
      serving: () => engine.builtIn.map(({ deviceKind }) => ({ kind: deviceKind, engineId: choices.forReplicas(deviceKind) })),
      trial: () => choices.trial,
    },
    publish: (type, change) => publish(envelopeOf(type, change, { source: `pool-managerd/${nodeId}`, clock }) as EventEnvelope),
  });
  shutdown.add('engines', () => engines.close());
  return engines;
}

/** Builds the owner of the servers that run by themselves. */
export function buildExternal({ nodeId, engineStore: store, config, env, clock, log }: Ground, onChange: () => void, onBack: (poolId: string) => void): ExternalEngines {
  const { external_interval_ms: intervalMs, external_timeout_ms: timeoutMs, external_misses_max: missesMax } = config.engines;
  return new ExternalEngines({ nodeId, store, env, clock, log, limits: { intervalMs, timeoutMs, missesMax }, onChange, onBack });
}
