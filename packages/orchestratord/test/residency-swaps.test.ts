import { afterEach, expect, test } from '@jest/globals';
import type { Demand, ReplicaUse } from '../src/assignments/demand.js';
import { removeFolders } from './fixtures.js';
import { aNodeModel } from './node-fixtures.js';
import { aManifest, aRig, type Rig } from './residency-rig.js';
import { replicaId, SimulatedNode } from './simulated-node.js';

afterEach(removeFolders);

const STEP_MS = 50;
const ANSWER_MS = 300;
const SLOTS = 4;
const MINUTE_MS = 60_000;
const POOL = 'n1-p';

interface Running {
  readonly client: number;
  readonly modelId: string;
  readonly endsMs: number;
}
interface Waiting {
  readonly client: number;
  readonly modelId: string;
  readonly seq: number;
  readonly sinceMs: number;
}

/** Clients that send their next request when the last one is answered, and what became of them. */
class Clients {
  readonly served: { readonly client: number; readonly modelId: string; readonly waitedMs: number }[] = [];
  #running: readonly Running[] = [];
  #waiting: readonly Waiting[] = [];
  #seq = 0;

  constructor(
    readonly count: number,
    private readonly wants: (client: number, turn: number) => string,
  ) {}

  leases(id: string): number {
    return this.#running.filter(({ modelId }) => replicaId(POOL, modelId) === id).length;
  }

  /** One moment of a task loop: what is done ends, what can start does, and residency hears of the rest. */
  step(rig: Rig, node: SimulatedNode): void {
    const nowMs = rig.clock.monotonicMs();
    this.#running = this.#running.filter(({ endsMs }) => endsMs > nowMs);
    for (let client = 0; client < this.count; client += 1) {
      if ([...this.#running, ...this.#waiting].some((one) => one.client === client)) continue;
      const turn = this.served.filter((one) => one.client === client).length;
      this.#waiting = [...this.#waiting, { client, modelId: this.wants(client, turn), seq: this.#seq++, sinceMs: nowMs }];
    }
    for (const one of this.#waiting) {
      const id = replicaId(POOL, one.modelId);
      if (!node.resident.has(id) || !node.isWanted(id) || rig.loop.isYielding(id) || this.leases(id) >= SLOTS) continue;
      this.#waiting = this.#waiting.filter((other) => other !== one);
      this.#running = [...this.#running, { client: one.client, modelId: one.modelId, endsMs: nowMs + ANSWER_MS }];
      this.served.push({ client: one.client, modelId: one.modelId, waitedMs: nowMs - one.sinceMs });
    }
    rig.want(this.#demands(rig, nowMs), this.#uses(node));
  }

  #demands(rig: Rig, nowMs: number): Demand[] {
    const models = [...new Set(this.#waiting.map(({ modelId }) => modelId))];
    return models.flatMap((modelId) => {
      const own = this.#waiting.filter((one) => one.modelId === modelId);
      const oldest = own.toSorted((a, b) => a.seq - b.seq)[0];
      return oldest === undefined ? [] : [rig.demand(modelId, { oldestArrivalSeq: oldest.seq, waitingMs: nowMs - oldest.sinceMs, waitingTasks: own.length })];
    });
  }

  #uses(node: SimulatedNode): ReplicaUse[] {
    return [...node.resident].map(([id, { modelId }]) => ({ poolId: POOL, replicaId: id, leases: this.leases(id), queued: this.#waiting.filter((one) => one.modelId === modelId).length }));
  }
}

test('C-265 while its node hears nothing, three models that want two places take turns no faster than their quanta', async () => {
  const clients = new Clients(9, (client) => ['a', 'b', 'c'][client % 3] ?? 'a');
  const node = new SimulatedNode('n1', [{ poolId: POOL, memoryBytes: 10 }], { a: 5, b: 5, c: 5 }, (id) => clients.leases(id));
  for (const id of ['a', 'b', 'c']) node.models.set(id, aNodeModel(id, 5));
  const quantumMs = 2_000;
  const rig = await aRig({ nodes: [node], manifest: aManifest(['a', 'b', 'c']), quantumMs });
  for (let ms = 0; ms < MINUTE_MS; ms += STEP_MS) {
    node.isDeaf = ms % 6_000 >= 3_000;
    clients.step(rig, node);
    await rig.pass(STEP_MS, STEP_MS);
  }
  await rig.close();
  expect(rig.crashes).toEqual([]);
  // Two places, and each changes hands once in a quantum at the most.
  expect(rig.lines.filter(({ message }) => message === 'model load ordered').length).toBeLessThanOrEqual((2 * MINUTE_MS) / quantumMs + 2);
  for (const id of ['a', 'b', 'c']) expect(clients.served.filter(({ modelId }) => modelId === id).length).toBeGreaterThan(30);
}, 180_000);

async function aMinuteOf(clients: Clients, quantumMs: number) {
  const node = new SimulatedNode('n1', [{ poolId: POOL, memoryBytes: 10 }], { a: 6, b: 6 }, (id) => clients.leases(id));
  for (const id of ['a', 'b']) node.models.set(id, aNodeModel(id, 6));
  const rig = await aRig({ nodes: [node], manifest: aManifest(['a', 'b']), quantumMs });
  for (let ms = 0; ms < MINUTE_MS; ms += STEP_MS) {
    clients.step(rig, node);
    await rig.pass(STEP_MS, STEP_MS);
  }
  await rig.close();
  expect(rig.crashes).toEqual([]);
  const orders = rig.lines.filter(({ message }) => message === 'model load ordered').map(({ fields }) => fields as { model_id: string; yields: { model_id: string; reason: string }[]; human: string });
  return { orders, begun: node.begun, longestWaitMs: Math.max(...clients.served.map(({ waitedMs }) => waitedMs)) };
}

test('G-20 G-21 four clients that alternate between two models that do not fit together: all are served, each swap is explained', async () => {
  const clients = new Clients(4, (client, turn) => ((client + turn) % 2 === 0 ? 'a' : 'b'));
  const { orders, begun, longestWaitMs } = await aMinuteOf(clients, 5_000);
  for (let client = 0; client < 4; client += 1) {
    const own = clients.served.filter((one) => one.client === client);
    expect(own.length).toBeGreaterThan(30);
    expect(new Set(own.map(({ modelId }) => modelId))).toEqual(new Set(['a', 'b']));
  }
  expect(longestWaitMs).toBeLessThan(7_000);
  expect(begun).toEqual(orders.map(({ model_id }) => model_id));
  // After the first load every one names who made room, and they take turns.
  orders.forEach(({ model_id, yields, human }, n) => {
    expect(yields.map((one) => one.model_id)).toEqual(n === 0 ? [] : [model_id === 'a' ? 'b' : 'a']);
    expect(human.length).toBeLessThanOrEqual(100);
  });
}, 600_000);

test('G-21 a model that is always busy gives its place up once per quantum, no more often, and the other one does not starve', async () => {
  const clients = new Clients(4, (client) => (client < 3 ? 'a' : 'b'));
  const quantumMs = 4_000;
  const { orders, longestWaitMs } = await aMinuteOf(clients, quantumMs);
  const ofB = clients.served.filter(({ modelId }) => modelId === 'b');
  expect(ofB.length).toBeGreaterThan(8);
  expect(longestWaitMs).toBeLessThan(quantumMs + 2_000);
  const evictionsOfA = orders.filter(({ model_id }) => model_id === 'b');
  expect(evictionsOfA.length).toBeLessThanOrEqual(MINUTE_MS / quantumMs);
  expect(new Set(evictionsOfA.flatMap(({ yields }) => yields.map(({ reason }) => reason)))).toEqual(new Set(['quantum_over']));
}, 600_000);
