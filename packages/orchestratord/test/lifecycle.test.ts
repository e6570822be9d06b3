import { afterEach, describe, expect, test } from '@jest/globals';
import { removeFolders } from './fixtures.js';
import { deleteInstance, type InstanceKey, type InstanceRecord } from '../src/store/instance-rows.js';
import { readManifest } from '../src/manifest/read-manifest.js';
import { aManifest, aRig, type Rig, type RigOptions } from './residency-rig.js';
import { aFileOf, replicaId, SimulatedNode } from './simulated-node.js';

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) {
    await rig.close();
    expect(rig.crashes).toEqual([]);
  }
  await removeFolders();
});

async function open(options: Partial<RigOptions> & Pick<RigOptions, 'nodes'>): Promise<Rig> {
  const rig = await aRig({ manifest: aManifest(['a', 'b', 'c', 'huge']), ...options });
  rigs.push(rig);
  return rig;
}

function aRecordOf(rig: Rig, key: InstanceKey): InstanceRecord {
  const record = rig.instances.find(key);
  if (record === undefined) throw new Error('no such instance');
  return record;
}

/** One pool of 10 bytes; `a` takes 6, `b` takes 5, so that they do not fit together; `c` takes 3. All files are there. */
const SIZES = { a: 6, b: 5, c: 3, huge: 99 };
function aNode({ leases, nodeId = 'n1', stage = 8, onDisk = ['a', 'b', 'c', 'huge'] }: { leases?: (id: string) => number; nodeId?: string; stage?: number | null; onDisk?: readonly string[] } = {}): SimulatedNode {
  const node = new SimulatedNode(nodeId, [{ poolId: `${nodeId}-p`, memoryBytes: 10 }], SIZES, leases);
  for (const id of onDisk) node.models.set(id, aFileOf(id, SIZES[id as keyof typeof SIZES]));
  node.stageMaxBytes = stage;
  return node;
}

describe('a load', () => {
  test('C-206 G-20 it is committed and published before the call returns, and the instance is resident later', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a');
    expect(rig.state(bot)).toMatchObject({ residency: 'on_disk', isReady: false, nodeId: null });
    const call = rig.load(bot);
    await rig.pass(60);
    expect([call.outcome, rig.published.map(({ instance_id, wanted, tier, source, correlation_id }) => [instance_id, wanted, tier, source, correlation_id])]).toEqual(['done', [['bot', 'resident', 'cold', 'api_load', 'c-load']]]);
    expect(rig.state(bot)).toMatchObject({ isReady: false, nodeId: 'n1', poolId: 'n1-p' });
    await rig.pass(600);
    expect(rig.state(bot)).toEqual({ residency: 'resident', isReady: true, nodeId: 'n1', poolId: 'n1-p', lastError: null, progress: null, estimatedMs: 0, retryAfterMs: null });
  });

  test('C-201 of a model that was never fetched: the file first, then by itself the rest', async () => {
    const node = aNode({ onDisk: [] });
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a');
    const call = rig.load(bot, 'hot');
    await rig.pass(100);
    expect([call.outcome, rig.wantedNow()]).toEqual(['done', ['bot on_disk n1-p g1']]);
    await rig.pass(2_500);
    expect([rig.state(bot).residency, node.begun]).toEqual(['resident', ['a']]);
  });

  test('T-88 C-82 it is published again and starts nothing when the instance is resident', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a');
    rig.load(bot);
    await rig.pass(800);
    const again = rig.load(bot);
    await rig.pass(500);
    expect([again.outcome, rig.published.length, rig.state(bot).isReady, node.begun]).toEqual(['done', 2, true, ['a']]);
  });

  test('C-66 a hundred calls at once are one commit and one load', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a');
    const calls = Array.from({ length: 100 }, () => rig.load(bot));
    await rig.pass(700);
    expect([calls.every(({ outcome }) => outcome === 'done'), rig.published.length, node.begun]).toEqual([true, 1, ['a']]);
  });

  test('C-202 it waits for no quantum: what works is drained at once, and a load that was not hot is over for it', async () => {
    const leases = new Map([[replicaId('n1-p', 'a'), 1]]);
    const node = aNode({ leases: (id) => leases.get(id) ?? 0 });
    const rig = await open({ nodes: [node] });
    const [old, bot] = [await rig.create('old', 'a'), await rig.create('bot', 'b')];
    rig.load(old);
    await rig.pass(800);
    rig.want([rig.demand('old', { waitingTasks: 2 })], [{ poolId: 'n1-p', replicaId: replicaId('n1-p', 'a'), leases: 1, queued: 2 }]);
    await rig.pass(100);
    rig.want([], [{ poolId: 'n1-p', replicaId: replicaId('n1-p', 'a'), leases: 1, queued: 0 }], [old]);
    const call = rig.load(bot);
    await rig.pass(200);
    expect([call.outcome, rig.state(old).residency, rig.heldTier(old), rig.state(bot).isReady]).toEqual(['done', 'draining', null, false]);
    leases.clear();
    rig.want([]);
    await rig.pass(800);
    expect([rig.state(bot).residency, rig.state(old).residency]).toEqual(['resident', 'staged']);
  });

  test('B-55 what is impossible says who holds the room and the next step, and nothing has changed', async () => {
    const rig = await open({ nodes: [aNode()] });
    const [hot, cold, big] = [await rig.create('hot', 'a', { tier: 'hot' }), await rig.create('cold', 'b'), await rig.create('big', 'huge')];
    rig.load(hot);
    await rig.pass(800);
    const [held, large] = [rig.load(cold), rig.load(big)];
    await rig.pass(200);
    expect(held.outcome).toEqual({ code: 'POOL_UNAVAILABLE', message: "b needs 5 B and the room is held for good by a (hot); raise the memory of a pool, or take a model's tier or pin back" });
    expect(large.outcome).toMatchObject({ code: 'POOL_UNAVAILABLE', message: expect.stringContaining('huge needs 99 B') });
    expect([rig.wantedNow(), rig.heldTier(cold), rig.published.length]).toEqual([['hot resident n1-p g1'], null, 1]);
  });

  test('C-206 T-94 with its node away it is accepted and carried out when the node is back; with none known it is refused', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a');
    rig.lose('n1');
    await rig.pass(31_000, 1_000);
    const call = rig.load(bot);
    await rig.pass(200);
    expect([call.outcome, rig.state(bot).isReady, rig.heldTier(bot), rig.published]).toEqual(['done', false, 'cold', []]);
    rig.lose();
    await rig.pass(1_500);
    expect([rig.state(bot).residency, node.begun]).toEqual(['resident', ['a']]);

    const empty = await open({ nodes: [], online: false });
    const lonely = await empty.create('bot', 'a');
    const refused = empty.load(lonely);
    await empty.pass(100);
    expect([refused.outcome, empty.wantedNow()]).toEqual([expect.objectContaining({ code: 'NODE_UNAVAILABLE' }), []]);
  });

  test('T-97 G-20 of two nodes one loads it', async () => {
    const nodes = [aNode({ nodeId: 'n1' }), aNode({ nodeId: 'n2' })];
    const rig = await open({ nodes });
    const bot = await rig.create('bot', 'a');
    rig.load(bot);
    await rig.pass(1_000);
    expect(nodes.map(({ begun }) => begun)).toEqual([['a'], []]);
  });
});

describe('a hot instance that is created', () => {
  test('C-67 it is held though no node is known and the broker is down, and loaded when there is a node', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], online: false, broker: { down: true } });
    const bot = await rig.create('bot', 'a', { tier: 'hot' });
    await rig.passUntil(rig.loop.load(bot, { tier: 'hot', source: 'startup', correlationId: 'c' }));
    expect([rig.heldTier(bot), rig.wantedNow()]).toEqual(['hot', []]);
    rig.register(node);
    await rig.pass(1_000);
    expect(rig.state(bot).isReady).toBe(true);
  });

  test('C-67 where a hot one has the room, it waits for it and pushes nobody out', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const [one, two] = [await rig.create('one', 'a', { tier: 'hot' }), await rig.create('two', 'b', { tier: 'hot' })];
    rig.load(one);
    await rig.pass(800);
    await rig.passUntil(rig.loop.load(two, { tier: 'hot', source: 'startup', correlationId: 'c' }));
    await rig.pass(800);
    expect([rig.state(one).isReady, rig.state(two).residency, rig.state(two).lastError]).toEqual([true, 'staged', expect.stringContaining('the room is held for good by a (hot)')]);
  });

  test('C-206 of one that was deleted nothing is wanted any more', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a', { tier: 'hot' });
    rig.load(bot);
    await rig.pass(800);
    await deleteInstance(rig.store.db, bot, 1);
    rig.instances.put({ ...aRecordOf(rig, bot), deletedAtMs: 1 });
    await rig.pass(500);
    expect([rig.wantedNow(), node.journal.size, node.resident.size]).toEqual([[], 0, 0]);
  });
});

describe('an unload', () => {
  test('T-99 E-10 a later unload wins over a load that is under way', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a', { tier: 'hot' });
    const [load, unload] = [rig.load(bot), rig.unload(bot)];
    await rig.pass(2_000);
    expect([load.outcome, unload.outcome, rig.state(bot).residency, rig.heldTier(bot), node.resident.size]).toEqual(['done', 'done', 'on_disk', null, 0]);
    expect(rig.published.at(-1)).toMatchObject({ wanted: 'on_disk', source: 'api_unload', correlation_id: 'c-unload' });
  });

  test('C-68 a load after it is a new replica', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a');
    rig.load(bot);
    await rig.pass(800);
    rig.unload(bot);
    await rig.pass(300);
    expect([rig.state(bot).residency, rig.wantedNow()]).toEqual(['on_disk', ['bot on_disk n1-p g2']]);
    rig.load(bot);
    await rig.pass(800);
    expect([rig.state(bot).isReady, node.begun]).toEqual([true, ['a', 'a']]);
  });

  test('C-203 one replica serves several instances and stays while one wants it', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const [one, two] = [await rig.create('one', 'a'), await rig.create('two', 'a')];
    rig.load(one);
    rig.load(two);
    await rig.pass(800);
    expect([rig.state(one).isReady, rig.state(two).isReady, node.begun]).toEqual([true, true, ['a']]);
    rig.unload(one);
    await rig.pass(500);
    expect([rig.state(one).isReady, rig.state(two).isReady, [...node.resident.keys()]]).toEqual([false, true, [replicaId('n1-p', 'a')]]);
  });

  test('C-203 a download that nobody wants any more is given up', async () => {
    const rig = await open({ nodes: [aNode({ onDisk: [] })] });
    const bot = await rig.create('bot', 'a');
    rig.load(bot);
    await rig.pass(200);
    const unload = rig.unload(bot);
    await rig.pass(200);
    expect([unload.outcome, rig.wantedNow()]).toEqual(['done', ['bot absent n1-p g2']]);
  });

  test('C-203 tasks that wait for the instance are told', async () => {
    const rig = await open({ nodes: [aNode()] });
    const bot = await rig.create('bot', 'a', { tier: 'demand' });
    const told: string[] = [];
    rig.loop.onLeft(({ instanceId }, { code }) => void told.push(`${instanceId} ${code}`));
    rig.load(bot);
    await rig.pass(800);
    rig.unload(bot);
    await rig.pass(100);
    expect(told).toEqual(['bot INSTANCE_NOT_LOADED']);
  });
});

describe('a broker that is down', () => {
  test('T-92 E-08 neither a load nor an unload changes anything', async () => {
    const broker = { down: false };
    const rig = await open({ nodes: [aNode()], broker });
    const [one, two] = [await rig.create('one', 'a', { tier: 'hot' }), await rig.create('two', 'c')];
    rig.load(one);
    await rig.pass(800);
    broker.down = true;
    const [unload, load] = [rig.unload(one), rig.load(two)];
    await rig.pass(200);
    expect([unload.outcome, load.outcome]).toEqual([expect.objectContaining({ code: 'EVENT_BUS_UNAVAILABLE' }), expect.objectContaining({ code: 'EVENT_BUS_UNAVAILABLE' })]);
    expect([rig.heldTier(one), rig.heldTier(two), rig.wantedNow(), rig.published.length]).toEqual(['hot', null, ['one resident n1-p g1'], 1]);
  });

  test('E-08 what it does not confirm is taken back: who yielded has its place again, who was loaded is wanted nowhere', async () => {
    const broker = { down: false, silent: false };
    const node = aNode();
    const rig = await open({ nodes: [node], broker });
    const [one, two, idle] = [await rig.create('one', 'a'), await rig.create('two', 'b'), await rig.create('idle', 'a')];
    rig.load(one);
    await rig.pass(800);
    broker.silent = true;
    rig.lose('n1');
    const [load, unload] = [rig.load(two), rig.unload(idle)];
    await rig.pass(1_500);
    expect([load.outcome, unload.outcome]).toEqual([expect.objectContaining({ code: 'EVENT_BUS_UNAVAILABLE' }), expect.objectContaining({ code: 'EVENT_BUS_UNAVAILABLE' })]);
    expect([rig.heldTier(one), rig.heldTier(two), rig.wantedNow().map((text) => text.replace(/ g\d+$/, ''))]).toEqual(['cold', null, ['one resident n1-p']]);
    broker.silent = false;
    rig.lose();
    await rig.pass(12_000, 100);
    expect([rig.state(one).isReady, rig.state(two).residency, node.begun]).toEqual([true, 'on_disk', ['a']]);
  });

  test('E-08 E-10 of a load and an unload that were both not confirmed, what was before both comes back', async () => {
    const broker = { down: false, silent: false };
    const rig = await open({ nodes: [aNode()], broker });
    const bot = await rig.create('bot', 'a', { tier: 'hot' });
    rig.load(bot);
    await rig.pass(800);
    broker.silent = true;
    rig.lose('n1');
    const calls = [rig.unload(bot), rig.load(bot, 'cold'), rig.unload(bot)];
    await rig.pass(3_000);
    expect(calls.map(({ outcome }) => outcome)).toEqual(calls.map(() => expect.objectContaining({ code: 'EVENT_BUS_UNAVAILABLE' })));
    expect([rig.heldTier(bot), rig.wantedNow().map((text) => text.replace(/ g\d+$/, ''))]).toEqual(['hot', ['bot resident n1-p']]);
  });
});

describe('tiers', () => {
  test('C-208 G-02 the tier of a call counts for this load alone', async () => {
    const rig = await open({ nodes: [aNode()] });
    const bot = await rig.create('bot', 'a', { tier: 'cold' });
    rig.load(bot, 'hot');
    await rig.pass(800);
    expect([rig.heldTier(bot), rig.instances.find(bot)?.tier, rig.wanted.find(bot)?.tier]).toEqual(['hot', 'cold', 'hot']);
  });

  test('C-60 warm stops in RAM and is promoted by a load that says hot', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a', { tier: 'warm' });
    const call = rig.load(bot);
    await rig.pass(300);
    expect([call.outcome, rig.state(bot).residency, rig.state(bot).isReady, rig.state(bot).estimatedMs, node.begun]).toEqual(['done', 'staged', false, 0, []]);
    expect(rig.published.map(({ wanted, tier }) => [wanted, tier])).toEqual([['staged', 'warm']]);
    rig.load(bot, 'hot');
    await rig.pass(700);
    expect([rig.state(bot).residency, rig.heldTier(bot)]).toEqual(['resident', 'hot']);
    rig.load(bot);
    await rig.pass(500);
    expect([rig.state(bot).residency, rig.heldTier(bot), node.resident.size]).toEqual(['staged', 'warm', 0]);
  });

  test('C-60 without a staging area, or room in it, warm rests on disk', async () => {
    const rig = await open({ nodes: [aNode({ stage: null })] });
    const bot = await rig.create('bot', 'a', { tier: 'warm' });
    const call = rig.load(bot);
    await rig.pass(300);
    expect([call.outcome, rig.state(bot).residency, rig.heldTier(bot), rig.wantedNow()]).toEqual(['done', 'on_disk', 'warm', ['bot on_disk n1-p g1']]);
    const small = await open({ nodes: [aNode({ stage: 6 })] });
    const [first, second] = [await small.create('first', 'a', { tier: 'warm' }), await small.create('second', 'b', { tier: 'warm' })];
    small.load(first);
    await small.pass(300);
    small.load(second);
    await small.pass(300);
    expect([small.state(first).residency, small.state(second).residency]).toEqual(['on_disk', 'staged']);
  });

  test('C-64 what is staged and not used for its time falls to disk', async () => {
    const rig = await open({ nodes: [aNode()] });
    const bot = await rig.create('bot', 'a', { tier: 'warm', ttlS: 5 });
    rig.load(bot);
    await rig.pass(4_800, 200);
    expect(rig.state(bot).residency).toBe('staged');
    await rig.pass(600, 200);
    expect([rig.state(bot).residency, rig.heldTier(bot)]).toEqual(['on_disk', null]);
  });

  test('T-84 C-61 C-65 a demand instance leaves after its time without use, which begins when it is there and anew with each use', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const bot = await rig.create('bot', 'a', { tier: 'demand', ttlS: 2 });
    rig.want([rig.demand('bot')]);
    await rig.pass(600);
    expect(rig.state(bot).isReady).toBe(true);
    rig.want([], [], [bot]);
    await rig.pass(5_000, 100);
    expect(rig.state(bot).isReady).toBe(true);
    rig.want([]);
    await rig.pass(1_900, 100);
    expect(rig.state(bot).isReady).toBe(true);
    await rig.pass(300, 100);
    expect([rig.state(bot).residency, rig.published.at(-1)?.source]).toEqual(['staged', 'watchdog']);
    rig.want([rig.demand('bot')]);
    await rig.pass(600);
    expect([rig.state(bot).isReady, node.begun]).toEqual([true, ['a', 'a']]);
  });

  test('C-65 it stays while another one that shares its replica is used', async () => {
    const rig = await open({ nodes: [aNode()] });
    const [one, two] = [await rig.create('one', 'a', { tier: 'demand', ttlS: 1 }), await rig.create('two', 'a', { tier: 'demand', ttlS: 3 })];
    rig.want([rig.demand('one')]);
    await rig.pass(600);
    rig.want([], [], [two]);
    await rig.pass(200);
    rig.want([]);
    await rig.pass(2_000, 100);
    expect([rig.state(one).isReady, rig.state(two).residency]).toEqual([false, 'resident']);
    await rig.pass(1_500, 100);
    expect(rig.state(two).residency).toBe('staged');
  });

  test('T-83 C-63 at the ceiling the least recently used hot instance is demoted to warm, and never more are resident', async () => {
    const node = new SimulatedNode('n1', [{ poolId: 'n1-p', memoryBytes: 100 }], SIZES);
    for (const id of ['a', 'b', 'c'] as const) node.models.set(id, aFileOf(id, SIZES[id]));
    node.stageMaxBytes = 8;
    const rig = await open({ nodes: [node], hotCeiling: 2 });
    const keys = [await rig.create('a1', 'a', { tier: 'hot' }), await rig.create('b1', 'b', { tier: 'hot' }), await rig.create('c1', 'c', { tier: 'hot' })];
    let most = 0;
    for (const key of keys) {
      rig.load(key);
      for (let n = 0; n < 14; n += 1) {
        await rig.pass(50);
        most = Math.max(most, keys.filter((one) => rig.state(one).residency === 'resident').length);
      }
    }
    expect([most, keys.map((key) => rig.state(key).residency), keys.map((key) => rig.heldTier(key))]).toEqual([2, ['staged', 'resident', 'resident'], ['warm', 'hot', 'hot']]);
  });

  test('C-67 G-21 a hot one that had to go comes back when there is room, and one failure does not stop others', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const [one, two, bad] = [await rig.create('one', 'a', { tier: 'hot' }), await rig.create('two', 'b', { tier: 'hot' }), await rig.create('bad', 'c', { tier: 'hot' })];
    node.failing.set('c', 'the file is no GGUF');
    rig.load(bad);
    rig.load(one);
    await rig.pass(800);
    expect([rig.state(one).isReady, rig.state(bad).lastError]).toEqual([true, expect.stringContaining('the file is no GGUF')]);
    rig.load(two);
    await rig.pass(800);
    expect([rig.state(one).isReady, rig.state(two).isReady, rig.heldTier(one)]).toEqual([false, true, 'hot']);
    rig.unload(two);
    await rig.pass(800);
    expect([rig.state(one).isReady, rig.state(two).isReady]).toEqual([true, false]);
    node.failing.clear();
    await rig.pass(5_000, 100);
    expect(rig.state(bad).isReady).toBe(true);
  });

  test('T-89 C-67 what a load holds is there again after a restart of both daemons', async () => {
    const node = aNode();
    const before = await aRig({ nodes: [node], manifest: aManifest(['a', 'b', 'c', 'huge']) });
    const bot = await before.create('bot', 'a', { tier: 'hot' });
    before.load(bot);
    await before.pass(800);
    await before.close();
    const fresh = aNode();
    const rig = await open({ nodes: [fresh], stateDir: before.stateDir });
    await rig.pass(800);
    expect([rig.state(bot).isReady, rig.heldTier(bot)]).toEqual([true, 'hot']);
  });

  test('C-204 what a node had that is away for good is loaded on another', async () => {
    const nodes = [aNode({ nodeId: 'n1' }), aNode({ nodeId: 'n2' })];
    const rig = await open({ nodes });
    const bot = await rig.create('bot', 'a', { tier: 'hot' });
    rig.load(bot);
    await rig.pass(800);
    const first = rig.state(bot).nodeId ?? '';
    rig.lose(first);
    await rig.pass(33_000, 500);
    expect([rig.state(bot).isReady, rig.state(bot).nodeId === first]).toEqual([true, false]);
  });

  test('C-204 after a restart a node is given time to report before what it holds is loaded elsewhere', async () => {
    const nodes = [aNode({ nodeId: 'n1' }), aNode({ nodeId: 'n2' })];
    const before = await aRig({ nodes, manifest: aManifest(['a', 'b', 'c', 'huge']) });
    const bot = await before.create('bot', 'a', { tier: 'hot' });
    before.load(bot);
    await before.pass(800);
    const holder = nodes.find(({ resident }) => resident.size > 0);
    const other = nodes.find((node) => node !== holder);
    await before.close();
    if (holder === undefined || other === undefined) throw new Error('nobody has loaded it');
    const rig = await open({ nodes: [], stateDir: before.stateDir, online: false });
    rig.register(other);
    await rig.pass(2_000, 100);
    rig.register(holder);
    await rig.pass(200);
    expect([rig.state(bot).isReady, rig.state(bot).nodeId, other.begun]).toEqual([true, holder.nodeId, []]);
  });
});

describe('staging ahead of need', () => {
  test('C-200 a model that waits for its turn is staged meanwhile', async () => {
    const node = aNode({ leases: () => 1 });
    const rig = await open({ nodes: [node] });
    rig.want([rig.demand('a')]);
    await rig.pass(600);
    const use = [{ poolId: 'n1-p', replicaId: replicaId('n1-p', 'a'), leases: 1, queued: 0 }];
    rig.want([rig.demand('b', { waitingMs: 10 })], use);
    await rig.pass(300);
    expect([rig.status('b').state, rig.wantedNow(), [...node.staged.keys()]]).toEqual(['waiting', ['model.a resident n1-p g1', 'model.b staged n1-p g1'], ['b']]);
  });

  test('C-200 pinned models are staged as far as there is room, and what makes room stays in RAM', async () => {
    const text = 'version: 1\nmodels:\n  a: { source: /models/a.gguf }\n  b: { source: /models/b.gguf, pinned: true }\n  c: { source: /models/c.gguf }\n';
    const read = readManifest(text, '/corral.yaml', '/');
    if (read.kind === 'broken') throw new Error(JSON.stringify(read.problems));
    const node = aNode({ stage: 8 });
    const rig = await open({ nodes: [node], manifest: read.manifest });
    await rig.pass(200);
    expect([rig.wantedNow(), [...node.staged.keys()]]).toEqual([['model.b staged n1-p g1'], ['b']]);
    rig.want([rig.demand('c')]);
    await rig.pass(700);
    rig.want([rig.demand('a')]);
    await rig.pass(900);
    expect(rig.wantedNow().map((one) => one.replace(/ g\d+$/, ''))).toEqual(['model.a resident n1-p', 'model.b staged n1-p', 'model.c resident n1-p']);
  });
});

describe('another model of an instance', () => {
  const change = async (rig: Rig, key: InstanceKey, modelRef: string) => {
    const { orgId, instanceId } = key;
    await rig.create(instanceId, modelRef);
    const call = rig.loop.refresh({ orgId, instanceId }, 'c-patch');
    await rig.passUntil(call);
  };

  test('C-269 C-261 it is wanted in the place of the old one in one step, whether both fit or not, known or not', async () => {
    for (const [modelRef, onDisk] of [['c', true], ['b', true], ['b', false]] as const) {
      const node = aNode({ onDisk: onDisk ? ['a', 'b', 'c'] : ['a'] });
      const rig = await open({ nodes: [node] });
      const bot = await rig.create('bot', 'a');
      rig.load(bot);
      await rig.pass(800);
      const before = rig.published.length;
      await change(rig, bot, modelRef);
      expect(rig.published.slice(before).map(({ instance_id, wanted, model, correlation_id }) => [instance_id, wanted, model.model_id, correlation_id])).toEqual([['bot', 'resident', modelRef, 'c-patch']]);
    }
  });

  test('C-269 where others want the old one and both do not fit, it is planned as any load', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node] });
    const [bot, friend] = [await rig.create('bot', 'a'), await rig.create('friend', 'a', { tier: 'hot' })];
    rig.load(friend, 'hot');
    rig.load(bot);
    await rig.pass(800);
    await change(rig, bot, 'b');
    await rig.pass(800);
    expect(rig.wantedNow().filter((one) => one.startsWith('friend'))).toEqual(['friend resident n1-p g1']);
    expect(node.begun).toEqual(['a']);
  });
});
