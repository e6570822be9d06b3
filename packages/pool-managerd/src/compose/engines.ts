import { envelopeOf } from '@corral/event-bus';
import type { EventEnvelope } from '@corral/contracts';
import type { DeviceKind } from '@corral/catalog-core';
import { EngineProvisioner } from '@corral/provisioners';
import { BundleTrial } from '../engines/bundle-trial.js';
import { Engines } from '../engines/engines.js';
import type { IdleWorkers } from '../pools/idle-workers.js';
import type { PoolTable } from '../pools/pool-table.js';
import type { ReplicaSet } from '../replicas/replica-set.js';
import type { Ground } from './ground.js';

export interface EngineParts {
  readonly pools: PoolTable;
  readonly replicas: ReplicaSet;
  readonly idle: Pick<IdleWorkers, 'stateOf'>;
  publish(event: EventEnvelope): void;
}

/** Builds the owner of the engine bundles. */
export function buildEngines(ground: Ground, { pools, replicas, idle, publish }: EngineParts): Engines {
  const { nodeId, engine, engineStore: store, choices, config, clock, log, workerLog, env, operations, shutdown } = ground;
  const poolsOf = (kind: DeviceKind) => pools.list().map(({ planned }) => planned).filter(({ deviceKind, problem }) => deviceKind === kind && problem === null);
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
    operations,
    clock,
    log,
    uses: {
      replicas: () => replicas.list(),
      idle: () => pools.list().map(({ planned }) => ({ poolId: planned.poolId, engineId: planned.deviceKind === null ? null : choices.forIdleWorkers(planned.deviceKind), workers: idle.stateOf(planned)?.pids.length ?? 0 })),
      serving: () => engine.builtIn.map(({ deviceKind }) => ({ kind: deviceKind, engineId: choices.forReplicas(deviceKind) })),
      trial: () => choices.trial,
    },
    publish: (type, change) => publish(envelopeOf(type, change, { source: `pool-managerd/${nodeId}`, clock }) as EventEnvelope),
  });
  shutdown.add('engines', () => engines.close());
  return engines;
}
