import { isApiError, ORCHESTRATORD_METRICS, type Assignment, type Tier } from '@corral/contracts';
import { createMetrics, recordingLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import type { Demand, ReplicaUse } from '../src/assignments/demand.js';
import { OutboxRelay } from '../src/assignments/outbox-relay.js';
import { ResidencyLoop } from '../src/assignments/residency-loop.js';
import { WantedSet } from '../src/assignments/wanted-set.js';
import { Catalog } from '../src/catalog/catalog.js';
import { EventFeed } from '../src/events/event-feed.js';
import { OwnEvents } from '../src/events/own-events.js';
import { InstanceRegistry } from '../src/instances/instance-registry.js';
import { ModelDirectory } from '../src/manifest/model-directory.js';
import { modelKeyOf } from '../src/manifest/model-key.js';
import { readManifest } from '../src/manifest/read-manifest.js';
import type { ServedManifest } from '../src/manifest/served-manifest.js';
import { ServedState } from '../src/manifest/served-state.js';
import { NodeRegistry } from '../src/nodes/node-registry.js';
import { putInstance, type InstanceDefinition, type InstanceKey } from '../src/store/instance-rows.js';
import { openStore } from '../src/store/open-store.js';
import { aFolder } from './fixtures.js';
import type { SimulatedNode } from './simulated-node.js';

export interface RigOptions {
  readonly nodes: readonly SimulatedNode[];
  readonly manifest: ServedManifest;
  readonly stateDir?: string;
  readonly clock?: FakeClock;
  readonly quantumMs?: number;
  readonly hotCeiling?: number;
  /** Nodes that the bus cannot reach. */
  readonly cutOff?: ReadonlySet<string>;
  readonly online?: boolean;
  /** A broker between daemon and nodes: `down` cannot be reached, `silent` confirms nothing. */
  readonly broker?: { down: boolean; silent?: boolean };
}

/** A manifest of models that weigh nothing on paper; the simulated nodes say what they weigh. */
export function aManifest(models: readonly string[], routes = ''): ServedManifest {
  const text = `version: 1\nmodels:${models.length === 0 ? ' {}' : ''}\n${models.map((id) => `  ${id}: { source: /models/${id}.gguf }\n`).join('')}${routes === '' ? '' : `routes:\n${routes}`}`;
  const read = readManifest(text, '/corral.yaml', '/');
  if (read.kind === 'broken') throw new Error(JSON.stringify(read.problems));
  return read.manifest;
}

/** The real store, registry, wanted set, relay and loop, on a clock that a test moves and nodes in memory. */
export async function aRig(options: RigOptions) {
  const clock = options.clock ?? new FakeClock(1_767_225_600_000);
  const stateDir = options.stateDir ?? (await aFolder());
  const { log, lines } = recordingLog();
  const metrics = createMetrics(ORCHESTRATORD_METRICS);
  const store = await openStore({ stateDir, clock, log });
  const manifest = options.manifest;
  const served = new ServedState({ manifest, problem: null });
  const catalog = await Catalog.open({ store, events: new OwnEvents({ store, feed: new EventFeed(0), clock, log, isBrokered: false }), served: () => served.current() });
  const instances = await InstanceRegistry.open({ store, served, log });
  const published: Assignment[] = [];
  const relay: OutboxRelay = new OutboxRelay({
    store, clock, log,
    isOnline: (nodeId) => registry.places().some((place) => place.nodeId === nodeId && place.online),
    bus: {
      inFlightMax: 1,
      state: () => ({ mode: options.broker === undefined ? 'http' : 'rabbitmq', connected: options.broker?.down !== true, consuming: true, lastPublishMs: null, lastEventMs: null, lastError: null }),
      publish: (event, target) => {
        if (options.broker?.down === true || options.broker?.silent === true) return Promise.resolve({ kind: 'unavailable', reason: 'the broker does not confirm' });
        if (target.kind !== 'node' || options.cutOff?.has(target.nodeId) === true) return Promise.resolve({ kind: 'unavailable', reason: 'cut off' });
        const assignment = event.data as Assignment;
        published.push(assignment);
        options.nodes.find(({ nodeId }) => nodeId === target.nodeId)?.deliver(assignment);
        return Promise.resolve({ kind: 'confirmed' });
      },
    },
  });
  const wanted = await WantedSet.open({ store, instances, keepModels: (specs) => catalog.keep(specs), onCommands: relay.wake });
  const registry: NodeRegistry = new NodeRegistry({
    clock, log, metrics, pools: () => [], staticUrls: [], incarnation: 'o1', token: undefined, heartbeatMs: 10_000, offlineMs: 30_000, host: { machineId: null, hostName: 'box' },
    wanted: { assignmentsOf: (nodeId) => wanted.assignmentsOf(nodeId), preloadsOf: (nodeId) => loop.preloadsOf(nodeId), toldAll: (nodeId) => relay.toldAll(nodeId, wanted.lastCommandId) },
    catalog: { version: () => 1 },
  });
  const models: ModelDirectory = new ModelDirectory({ served, instances, nodes: registry, catalog });
  const crashes: unknown[] = [];
  const loop: ResidencyLoop = new ResidencyLoop({
    clock, log, metrics, wanted, instances, models,
    nodes: { pools: () => registry.pools(), places: () => registry.places(), onChange: (listener) => registry.onChange(listener), refresh: () => undefined },
    served,
    outbox: relay,
    swapQuantumMs: options.quantumMs ?? 5_000,
    hotCeiling: options.hotCeiling ?? null,
    nodeGraceMs: 30_000,
    onCrash: (error) => void crashes.push(error),
  });
  registry.onChange((change) => {
    if (change.type === 'online') relay.wake([change.nodeId]);
  });

  const report = (node: SimulatedNode): void => {
    const outcome = registry.heartbeat(node.nodeId, node.state());
    if (outcome.kind === 'taken' && outcome.answer.assignments !== undefined) node.replaceAll(outcome.answer.assignments);
  };
  const register = (node: SimulatedNode): void => {
    const state = node.state();
    const outcome = registry.register({ node_id: node.nodeId, machine_id: 'm', address: 'http://127.0.0.1:9', state, capabilities: { gpus: [] }, version: '1' });
    if (outcome.kind === 'taken' && outcome.answer.assignments !== undefined) node.replaceAll(outcome.answer.assignments);
  };
  let lost = new Set<string>();
  /** Lets time pass in steps; every reachable node works and reports at each. */
  const pass = async (ms: number, stepMs = 50): Promise<void> => {
    for (let left = ms; left > 0; left -= stepMs) {
      await clock.advance(Math.min(left, stepMs));
      for (const node of options.nodes) {
        node.step(clock.monotonicMs());
        if (!lost.has(node.nodeId)) report(node);
      }
    }
    await clock.advance(0);
  };
  relay.start();
  registry.start();
  loop.start();
  if (options.online !== false) for (const node of options.nodes) register(node);
  await pass(50);

  return {
    /** Lets time pass until the call is answered. */
    passUntil: async (call: Promise<void>): Promise<void> => {
      const waiting = settled(call);
      for (let left = 100; waiting.outcome === 'pending' && left > 0; left -= 1) await pass(50);
      await call;
    },
    clock, stateDir, store, served, catalog, instances, registry, wanted, loop, models, lines, metrics, published, crashes, pass, register,
    lose: (...nodeIds: string[]) => void (lost = new Set(nodeIds)),
    demand: (modelId: string, over: Partial<Demand> = {}): Demand => aDemand(models, modelId, over),
    want: (demands: readonly Demand[], use: readonly ReplicaUse[] = [], active: readonly InstanceKey[] = []) => loop.update(demands, use, [...demands.map(({ instance }) => instance), ...active]),
    /** Makes an explicit instance of org `default`. */
    create: async (instanceId: string, modelId: string, over: Partial<InstanceDefinition> = {}): Promise<InstanceKey> => {
      const record = await putInstance(store.db, { orgId: 'default', instanceId, kind: 'explicit', name: null, status: 'active', origin: 'api', modelRef: modelId, tier: 'cold', ttlS: null, config: {}, configHash: 'c0', ...over }, clock.nowMs());
      instances.put(record);
      return { orgId: 'default', instanceId };
    },
    load: (key: InstanceKey, tier: Tier = instances.find(key)?.tier ?? 'hot') => settled(loop.load(key, { tier, source: 'api_load', correlationId: 'c-load' })),
    unload: (key: InstanceKey) => settled(loop.unload(key, { source: 'api_unload', correlationId: 'c-unload' })),
    state: (key: InstanceKey) => loop.stateOf(key),
    heldTier: (key: InstanceKey) => instances.find(key)?.heldTier ?? null,
    status: (modelId: string) => loop.statusOf(keyOf(models, modelId)),
    wantedNow: () => wanted.all().map(({ instance_id, wanted: residency, target, generation }) => `${instance_id} ${residency} ${target.pool_id} g${generation}`).sort(),
    close: async () => {
      await loop.close();
      await relay.close();
      await registry.close();
      await store.close();
    },
  };
}

export type Rig = Awaited<ReturnType<typeof aRig>>;

/** A call whose outcome a test reads when it likes. */
export interface Call {
  outcome: 'pending' | 'done' | { readonly code: string; readonly message: string };
}

function settled(promise: Promise<void>): Call {
  const call: Call = { outcome: 'pending' };
  promise.then(
    () => (call.outcome = 'done'),
    (error: unknown) => (call.outcome = isApiError(error) ? { code: error.code, message: error.message } : { code: 'THROWN', message: String(error) }),
  );
  return call;
}

function keyOf(models: ModelDirectory, modelId: string): string {
  const spec = models.specOf(modelId);
  return spec === undefined ? modelId : modelKeyOf(spec);
}

function aDemand(models: ModelDirectory, ref: string, over: Partial<Demand>): Demand {
  const resolved = models.resolve(ref, 'default');
  if (resolved.kind !== 'resolved') throw new Error(resolved.message);
  const { model, modelKey, instance, route } = resolved;
  return { modelKey, model, instance, priority: 'interactive', oldestArrivalSeq: 1, waitingMs: 0, waitingTasks: 1, placement: route?.placement ?? null, ...over };
}
