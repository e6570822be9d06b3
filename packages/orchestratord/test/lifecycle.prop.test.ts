import { afterEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Assignment, Tier } from '@corral/contracts';
import { modelKeyOf } from '../src/manifest/model-key.js';
import type { InstanceKey } from '../src/store/instance-rows.js';
import { removeFolders } from './fixtures.js';
import { aManifest, aRig, type Call, type Rig } from './residency-rig.js';
import { aFileOf, replicaId, SimulatedNode } from './simulated-node.js';

afterEach(removeFolders);

const SIZES: Readonly<Record<string, number>> = { a: 6, b: 5, c: 3 };
const MEMORY = 10;
const STAGE = 8;
/** Two instances share a model; one leaves when it is not used. */
const INSTANCES = [
  { id: 'a1', model: 'a', tier: 'cold' as Tier },
  { id: 'a2', model: 'a', tier: 'hot' as Tier },
  { id: 'b1', model: 'b', tier: 'demand' as Tier },
  { id: 'c1', model: 'c', tier: 'warm' as Tier },
];

type Op =
  | { readonly kind: 'load'; readonly n: number; readonly tier: Tier }
  | { readonly kind: 'unload' | 'ask' | 'work'; readonly n: number }
  | { readonly kind: 'rest' | 'restart'; readonly ms: number }
  | { readonly kind: 'lose' | 'silence'; readonly on: boolean };

const n = fc.nat(INSTANCES.length - 1);
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('load' as const), n, tier: fc.constantFrom('hot', 'warm', 'cold', 'demand') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('unload' as const), n }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('ask' as const, 'work' as const), n }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rest' as const), ms: fc.constantFrom(0, 30, 200, 900, 4_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), ms: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('lose' as const, 'silence' as const), on: fc.boolean() }) },
);

interface Called {
  readonly n: number;
  readonly held: Tier | null;
  readonly call: Call;
}

/** The system with what has been asked of it. */
class World {
  readonly broker = { down: false, silent: false };
  readonly leases = new Set<string>();
  readonly nodes = ['n1', 'n2'].map((nodeId) => {
    const node = new SimulatedNode(nodeId, [{ poolId: `${nodeId}-p`, memoryBytes: MEMORY }], SIZES, (id) => (this.leases.has(id) ? 1 : 0));
    for (const [id, size] of Object.entries(SIZES)) node.models.set(id, aFileOf(id, size));
    node.stageMaxBytes = STAGE;
    return node;
  });
  readonly called: Called[] = [];
  keys: InstanceKey[] = [];
  lost: readonly string[] = [];
  rig!: Rig;

  async open(stateDir?: string): Promise<void> {
    this.rig = await aRig({ nodes: this.nodes, manifest: aManifest(Object.keys(SIZES)), broker: this.broker, ...(stateDir === undefined ? {} : { stateDir }) });
    if (stateDir === undefined) this.keys = await Promise.all(INSTANCES.map(({ id, model, tier }) => this.rig.create(id, model, { tier, ttlS: tier === 'warm' ? null : 2 })));
    this.rig.lose(...this.lost);
  }

  async run(op: Op): Promise<void> {
    if (op.kind === 'load') this.called.push({ n: op.n, held: op.tier, call: this.rig.load(this.key(op.n), op.tier) });
    if (op.kind === 'unload') this.called.push({ n: op.n, held: null, call: this.rig.unload(this.key(op.n)) });
    if (op.kind === 'ask') this.ask(op.n);
    if (op.kind === 'work') this.work(op.n);
    if (op.kind === 'silence') this.broker.silent = op.on;
    if (op.kind === 'lose') this.rig.lose(...(this.lost = op.on ? ['n1'] : []));
    if (op.kind === 'rest') await this.rig.pass(op.ms, op.ms > 1_000 ? 200 : 50);
    if (op.kind === 'restart') {
      await this.rig.close();
      expect(this.rig.crashes).toEqual([]);
      await this.open(this.rig.stateDir);
    }
    this.check();
  }

  key(index: number): InstanceKey {
    const key = this.keys[index];
    if (key === undefined) throw new Error(`no instance ${index}`);
    return key;
  }

  /** A task waits for the model, until the next one does. */
  ask(index: number): void {
    this.leases.clear();
    this.rig.want([this.rig.demand(INSTANCES[index]?.model ?? '', { waitingMs: 1 })]);
  }

  /** A task runs on whatever replica has the model. */
  work(index: number): void {
    const model = INSTANCES[index]?.model ?? '';
    this.leases.clear();
    for (const { nodeId } of this.nodes) this.leases.add(replicaId(`${nodeId}-p`, model));
    this.rig.want([], this.nodes.map(({ nodeId }) => ({ poolId: `${nodeId}-p`, replicaId: replicaId(`${nodeId}-p`, model), leases: 1, queued: 0 })), [this.key(index)]);
  }

  /** What holds at every moment. */
  check(): void {
    for (const { nodeId } of this.nodes) {
      const here = this.rig.wanted.all().filter(({ target }) => target.node_id === nodeId);
      expect(bytesOf(here.filter(({ wanted }) => wanted === 'resident'))).toBeLessThanOrEqual(MEMORY);
      expect(bytesOf(here.filter(({ wanted }) => wanted === 'staged'))).toBeLessThanOrEqual(STAGE);
    }
    const forDemand = this.rig.published.filter(({ tier, wanted, source }) => tier === 'hot' && wanted !== 'resident' && source === 'demand');
    expect(forDemand.filter(({ reason }) => reason.includes('yields'))).toEqual([]);
  }

  /** Everybody is back, nobody asks: what must have become of it all. */
  async settle(): Promise<void> {
    this.broker.silent = false;
    this.leases.clear();
    this.rig.lose(...(this.lost = []));
    this.rig.want([]);
    await this.rig.pass(90_000, 500);
    await this.rig.pass(2_000, 50);
    this.check();
    expect(this.called.filter(({ call }) => call.outcome === 'pending')).toEqual([]);
    for (const node of this.nodes) {
      const wanted = this.rig.wanted.assignmentsOf(node.nodeId);
      expect([...node.journal.values()].map(({ instance_id, generation }) => `${instance_id}@${generation}`).sort()).toEqual(wanted.map(({ instance_id, generation }) => `${instance_id}@${generation}`).sort());
      const resident = wanted.filter((one) => one.wanted === 'resident').map(({ target, model }) => replicaId(target.pool_id, model.model_id));
      expect([...node.resident.keys()].sort()).toEqual([...new Set(resident)].sort());
    }
    for (const index of INSTANCES.keys()) this.checkLastCall(index);
  }

  /** The last call that was accepted decides; only a weaker tier may have been let go since. */
  checkLastCall(index: number): void {
    const key = this.key(index);
    const mine = this.called.filter((one) => one.n === index);
    const lastDone = mine.findLastIndex(({ call }) => call.outcome === 'done');
    // What a stop cut off may have been committed or not.
    const cut = mine.slice(lastDone + 1).filter(({ call }) => typeof call.outcome === 'object' && call.outcome.code === 'SHUTTING_DOWN');
    const [held, state] = [this.rig.heldTier(key), this.rig.state(key)];
    const expected = [mine[lastDone]?.held ?? null, ...cut.map((one) => one.held)].flatMap((tier) => (tier === 'cold' || tier === 'demand' ? [tier, null] : [tier]));
    expect([`${index}`, expected.includes(held), held]).toEqual([`${index}`, true, held]);
    if (held === null || (held === 'demand' && INSTANCES[index]?.tier !== 'warm')) expect([`${index}`, state.isReady]).toEqual([`${index}`, false]);
    if (held === 'cold') expect(state.isReady || this.hasNoRoom(index)).toBe(true);
    if (held === 'hot') expect(state.isReady || this.hasNoRoom(index)).toBe(true);
  }

  /** In every pool what is there leaves too little room for it. */
  hasNoRoom(index: number): boolean {
    const model = INSTANCES[index]?.model ?? '';
    return this.nodes.every((node) => {
      const others = [...node.resident.values()].filter(({ modelId }) => modelId !== model);
      return others.reduce((sum, { modelId }) => sum + (SIZES[modelId] ?? 0), 0) + (SIZES[model] ?? 0) > MEMORY;
    });
  }
}

function bytesOf(assignments: readonly Pick<Assignment, 'model'>[]): number {
  const models = new Map(assignments.map(({ model }) => [modelKeyOf(model), model.model_id]));
  return [...models.values()].reduce((sum, id) => sum + (SIZES[id] ?? 0), 0);
}

test(
  'C-205 E-10 G-21 whatever is called, asked, lost and restarted in whatever order: no device and no staging area is overbooked, no hot one yields to demand, the last call wins, and every node has what is wanted of it',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyOp, { minLength: 3, maxLength: 18 }), async (ops) => {
        const world = new World();
        await world.open();
        try {
          for (const op of ops) await world.run(op);
          await world.settle();
        } finally {
          await world.rig.close();
        }
        expect(world.rig.crashes).toEqual([]);
      }),
      { numRuns: 25 },
    );
  },
  600_000,
);
