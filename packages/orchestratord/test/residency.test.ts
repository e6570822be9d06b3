import { afterEach, describe, expect, test } from '@jest/globals';
import { removeFolders } from './fixtures.js';
import { aNodeModel } from './node-fixtures.js';
import { aManifest, aRig, type Rig, type RigOptions } from './residency-rig.js';
import { replicaId, SimulatedNode } from './simulated-node.js';

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) {
    await rig.close();
    expect(rig.crashes).toEqual([]);
  }
  await removeFolders();
});

async function open(options: RigOptions): Promise<Rig> {
  const rig = await aRig(options);
  rigs.push(rig);
  return rig;
}

async function shut(rig: Rig): Promise<void> {
  rigs.splice(rigs.indexOf(rig), 1);
  await rig.close();
}

/** One node with one pool of 10 bytes; `a` takes 6, `b` takes 5, so that they do not fit together; `c` takes 3. */
const SIZES = { a: 6, b: 5, c: 3, huge: 99 };
const aNode = (leases?: (id: string) => number, nodeId = 'n1') => new SimulatedNode(nodeId, [{ poolId: `${nodeId}-p`, memoryBytes: 10 }], SIZES, leases);
const manifest = aManifest(['a', 'b', 'c', 'huge']);
const A = replicaId('n1-p', 'a');

describe('a model that is not there', () => {
  test('C-60 it is fetched, its facts are read, then it is loaded, in two steps', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest });
    expect(rig.status('a').state).toBe('none');
    rig.want([rig.demand('a')]);
    await rig.pass(200);
    expect(rig.wantedNow()).toEqual(['model.a on_disk n1-p g1']);
    expect(rig.status('a')).toMatchObject({
      state: 'fetching',
      message: 'a is being fetched to node n1, 50 % done',
      steps: [
        { kind: 'model_fetch', group: 'a', status: 'running', bytes_done: 1, bytes_total: 2 },
        { kind: 'pool_warmup', group: 'a', status: 'pending' },
      ],
    });
    await rig.pass(1_100);
    expect(rig.wantedNow()).toEqual(['model.a resident n1-p g2']);
    expect(rig.status('a')).toMatchObject({ state: 'loading', message: 'a is being loaded in pool n1-p, 25 % done', steps: [{ status: 'completed' }, { status: 'running' }] });
    await rig.pass(400);
    expect(rig.status('a')).toMatchObject({ state: 'resident', message: 'a is resident in n1-p', estimatedMs: 0 });
    expect(node.begun).toEqual(['a']);
  });

  test('C-66 G-20 however often and by whomever it is asked for, it is one load', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest: aManifest(['a'], '  chat: { model: a }\n') });
    for (let n = 0; n < 20; n += 1) {
      rig.want([rig.demand(n % 2 === 0 ? 'a' : 'chat', { waitingTasks: n + 1 })]);
      await rig.pass(150);
    }
    expect(node.begun).toEqual(['a']);
    expect(rig.wantedNow()).toEqual(['model.a resident n1-p g2', 'route.chat resident n1-p g1']);
    const generations = rig.published.length;
    rig.want([rig.demand('chat')]);
    await rig.pass(5_000);
    expect(rig.published.length).toBe(generations);
  });

  test('G-20 of two nodes one loads it', async () => {
    const nodes = [aNode(undefined, 'n1'), aNode(undefined, 'n2')];
    const rig = await open({ nodes, manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(3_000);
    expect(nodes.map(({ begun }) => begun)).toEqual([['a'], []]);
  });

  test('A-40 G-20 it goes where the task may run', async () => {
    const nodes = [aNode(undefined, 'n1'), aNode(undefined, 'n2')];
    const rig = await open({ nodes, manifest });
    rig.want([rig.demand('a', { placement: { mode: 'pin', pinPoolId: 'n2-p' } })]);
    await rig.pass(3_000);
    expect(nodes.map(({ begun }) => begun)).toEqual([[], ['a']]);
  });

  test('T-44 B-55 one that fits nowhere is said so with the numbers, and nothing is loaded', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('huge')]);
    await rig.pass(2_000);
    expect(rig.status('huge')).toMatchObject({ state: 'impossible', message: 'huge needs 99 B of device memory and the largest pool has 10 B; raise the memory of a pool, or lower context or slots of the model' });
    expect(node.begun).toEqual([]);
  });

  test('P-14 without a pool that is ready tasks wait, and are served when one is', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest, online: false });
    rig.want([rig.demand('a')]);
    await rig.pass(500);
    expect(rig.status('a')).toMatchObject({ state: 'waiting', message: 'no pool that may take a is ready; look at corral pools' });
    rig.register(node);
    await rig.pass(2_500);
    expect(rig.status('a').state).toBe('resident');
  });
});

describe('two models that do not fit together', () => {
  async function withBusyA(leases: Map<string, number>) {
    const node = aNode((id) => leases.get(id) ?? 0);
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(2_000);
    expect(rig.status('a').state).toBe('resident');
    return { node, rig };
  }

  test('G-21 an idle one makes room at once, and the reason says for whom', async () => {
    const { node, rig } = await withBusyA(new Map());
    node.models.set('b', aNodeModel('b', 5));
    await rig.pass(50);
    rig.want([rig.demand('b', { waitingMs: 40 })]);
    await rig.pass(1_500);
    expect(rig.wantedNow()).toEqual(['model.a on_disk n1-p g3', 'model.b resident n1-p g1']);
    expect(rig.published.map(({ instance_id, wanted, reason }) => [instance_id, wanted, reason]).slice(2)).toEqual([
      ['model.a', 'on_disk', 'a yields in n1-p: b has waited 40 ms, a is idle'],
      ['model.b', 'resident', 'b is wanted in n1-p: 1 task waits for it, the oldest for 40 ms; a yields in n1-p: b has waited 40 ms, a is idle'],
    ]);
    expect(rig.status('b').state).toBe('resident');
  });

  test('G-21 a busy one keeps its place for the quantum, then is drained: no new work, its answers end, then it goes', async () => {
    const leases = new Map([[A, 1]]);
    const { node, rig } = await withBusyA(leases);
    const use = [{ poolId: 'n1-p', replicaId: A, leases: 1, queued: 3 }];
    rig.want([rig.demand('b')], use);
    await rig.pass(1_300);
    const startedMs = rig.clock.monotonicMs();
    expect(rig.status('b')).toMatchObject({ state: 'waiting', message: expect.stringMatching(/^a works in pool n1-p; it makes room at the latest in \d(\.\d)? s$/) });
    expect(rig.loop.isYielding(A)).toBe(false);
    while (!rig.loop.isYielding(A)) await rig.pass(50);
    expect(rig.clock.monotonicMs() - startedMs).toBeGreaterThan(3_000);
    expect(rig.clock.monotonicMs() - startedMs).toBeLessThan(5_100);
    await rig.pass(2_000);
    expect(node.begun).toEqual(['a']);
    expect(rig.status('b')).toMatchObject({ state: 'loading', message: 'b waits in pool n1-p until others have left its memory' });
    leases.clear();
    await rig.pass(500);
    expect([node.begun, rig.status('b').state, rig.status('a').state]).toEqual([['a', 'b'], 'resident', 'none']);
    const line = rig.lines.find(({ message, fields }) => message === 'model load ordered' && 'model_id' in fields && fields.model_id === 'b');
    expect(line?.fields).toMatchObject({ human: expect.stringMatching(/^a makes room for b in n1-p, which has waited/), pool_id: 'n1-p', yields: [{ model_id: 'a', reason: 'quantum_over', mode: 'drain' }], need_bytes: 5, weights: 'on_disk' });
  });

  test('G-21 one that is wanted again before it has left stays', async () => {
    const leases = new Map([[A, 1]]);
    const { node, rig } = await withBusyA(leases);
    rig.want([rig.demand('b')], [{ poolId: 'n1-p', replicaId: A, leases: 1, queued: 0 }]);
    while (!rig.loop.isYielding(A)) await rig.pass(50);
    rig.want([rig.demand('a')], [{ poolId: 'n1-p', replicaId: A, leases: 1, queued: 1 }]);
    await rig.pass(6_000);
    leases.clear();
    await rig.pass(4_000);
    expect(rig.status('a').state).toBe('resident');
    expect(node.begun.filter((id) => id === 'a').length).toBeLessThanOrEqual(2);
  });

  test('G-21 what fits beside the others makes nobody yield', async () => {
    const { node, rig } = await withBusyA(new Map());
    rig.want([rig.demand('c')], [{ poolId: 'n1-p', replicaId: A, leases: 0, queued: 0 }]);
    await rig.pass(2_500);
    expect([...node.resident.keys()].sort()).toEqual([A, replicaId('n1-p', 'c')]);
  });

  test('G-21 C-67 a hot model is loaded at start, and yields to nobody who is not', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest: aManifest(['a', 'b'], '  main: { model: a, tier: hot }\n') });
    await rig.pass(2_500);
    expect(rig.wantedNow()).toEqual(['route.main resident n1-p g2']);
    expect(rig.published.at(-1)).toMatchObject({ source: 'startup', tier: 'hot', reason: 'a is wanted in n1-p: its instance is hot' });
    rig.want([rig.demand('b')]);
    await rig.pass(2_500);
    expect(rig.status('b')).toMatchObject({ state: 'impossible', message: expect.stringContaining('the room is held for good by a (hot)') });
    expect(rig.status('a').state).toBe('resident');
  });
});

describe('failures', () => {
  test('J-02 a load that fails ends with the reason of the node, and the next request after the wait tries again', async () => {
    const node = aNode();
    node.failing.set('a', 'the file has the digest sha256:1 instead of sha256:2');
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(400);
    expect(rig.status('a')).toMatchObject({ state: 'failed', message: 'a could not be loaded: the file has the digest sha256:1 instead of sha256:2', retryAfterMs: expect.any(Number) });
    expect(rig.status('a').retryAfterMs).toBeGreaterThan(0);
    rig.want([]);
    await rig.pass(300);
    expect(rig.wantedNow()).toEqual(['model.a absent n1-p g2']);
    node.failing.clear();
    await rig.pass(1_000);
    expect(rig.status('a')).toMatchObject({ state: 'none', retryAfterMs: 0 });
    rig.want([rig.demand('a')]);
    await rig.pass(2_500);
    expect(rig.status('a').state).toBe('resident');
  });

  test('A-156 a breaker that opens ends who waits until its trial, also where the replica was resident', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(2_000);
    node.resident.clear();
    node.failing.set('a', 'it crashed; it failed 5 times in a row');
    node.heldUntil.set('a', rig.clock.nowMs() + 240_000);
    await rig.pass(500);
    const { state, message, retryAfterMs } = rig.status('a');
    expect([state, message, Math.round(retryAfterMs / 10_000)]).toEqual(['failed', 'a could not be loaded: it crashed; it failed 5 times in a row', 24]);
    const orders = rig.published.length;
    await rig.pass(60_000, 1_000);
    expect([rig.status('a').state, rig.wantedNow(), rig.published.length]).toEqual(['failed', ['model.a on_disk n1-p g3'], orders]);
    await rig.pass(178_000, 1_000);
    expect([rig.status('a').state, rig.published.length]).toEqual(['failed', orders]);
    node.failing.clear();
    await rig.pass(4_000);
    expect(rig.status('a').state).toBe('resident');
  });

  test('A-156 a breaker that is reset lets who waits go on at once', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(2_000);
    node.resident.clear();
    node.failing.set('a', 'it crashed');
    node.heldUntil.set('a', rig.clock.nowMs() + 240_000);
    await rig.pass(5_000);
    expect(rig.status('a').state).toBe('failed');
    node.failing.clear();
    node.heldUntil.clear();
    await rig.pass(1_000);
    expect(rig.status('a').state).toBe('resident');
  });

  test('J-02 while tasks wait it is tried again with growing waits', async () => {
    const node = aNode();
    node.failing.set('a', 'no');
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(20_000);
    const orders = rig.published.filter(({ wanted }) => wanted === 'on_disk').length;
    expect(orders).toBeGreaterThanOrEqual(4);
    expect(orders).toBeLessThanOrEqual(6);
    expect(rig.lines.filter(({ message }) => message === 'model not loaded').length).toBe(orders);
  });

  test('C-264 a node without the room that the plan expects: nothing has failed, tasks wait and are told why, it is planned again with growing waits, and loaded when there is room', async () => {
    const node = aNode();
    for (const id of ['a', 'b']) node.models.set(id, aNodeModel(id, SIZES[id as 'a']));
    node.noRoom.set('b', 'pool n1-p holds at most 1 replicas and a stay; unload one');
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(1_000);
    rig.want([rig.demand('b')]);
    const told = new Set<string>();
    for (let ms = 0; ms < 15_000; ms += 50) {
      await rig.pass(50);
      const { state, message } = rig.status('b');
      told.add(state);
      if (state === 'waiting') expect(message).toMatch(/^it waits for room in pool n1-p, where others have not left yet; its node is asked again at the latest in \d/);
      expect(rig.loop.refusalOf(rig.demand('b').instance)).toBe(null);
    }
    expect([told.has('waiting'), told.has('failed'), told.has('impossible')]).toEqual([true, false, false]);
    const orders = () => rig.published.filter(({ model_ref, wanted }) => model_ref === 'b' && wanted === 'resident').length;
    expect(orders()).toBeGreaterThanOrEqual(4);
    expect(orders()).toBeLessThanOrEqual(9);
    expect(rig.lines.filter(({ message }) => message === 'model not loaded')).toEqual([]);
    expect(rig.lines.filter(({ message }) => message === 'model load put off').length).toBe(orders());
    node.noRoom.clear();
    await rig.pass(11_000);
    expect(rig.status('b').state).toBe('resident');
  });

  test('C-264 a load that was called waits for room too, and is no error of its instance', async () => {
    const node = aNode();
    node.models.set('a', aNodeModel('a', 6));
    node.noRoom.set('a', 'full');
    const rig = await open({ nodes: [node], manifest });
    const key = await rig.create('bot', 'a');
    const call = rig.load(key);
    await rig.pass(3_000);
    expect([call.outcome, rig.state(key).isReady, rig.state(key).lastError]).toEqual(['done', false, null]);
    node.noRoom.clear();
    await rig.pass(6_000);
    expect(rig.state(key).isReady).toBe(true);
  });

  test('P-17 a replica that crashes is started again by its node; nothing else is planned', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(2_000);
    const before = rig.published.length;
    node.resident.clear();
    node.failing.set('a', 'the engine worker ended with signal SIGKILL');
    await rig.pass(500);
    expect(rig.status('a')).toMatchObject({ state: 'loading', message: 'a is started again in pool n1-p after: the engine worker ended with signal SIGKILL' });
    node.failing.clear();
    await rig.pass(1_000);
    expect([rig.status('a').state, rig.published.length]).toEqual(['resident', before]);
  });

  test('P-17 a node that goes away has its models planned elsewhere, and unloads them when it is back', async () => {
    const nodes = [aNode(undefined, 'n1'), aNode(undefined, 'n2')];
    const rig = await open({ nodes, manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(2_000);
    rig.lose('n1');
    await rig.pass(31_000, 500);
    await rig.pass(3_000);
    expect(nodes.map(({ begun }) => begun)).toEqual([['a'], ['a']]);
    rig.lose();
    await rig.pass(500);
    expect(nodes.map(({ resident }) => [...resident.keys()])).toEqual([[], [replicaId('n2-p', 'a')]]);
    expect(rig.wantedNow()).toEqual(['model.a resident n2-p g5']);
  });

  test('P-17 a node that is found dead just after it fetched costs only what the next one needs', async () => {
    const nodes = [aNode(undefined, 'n1'), aNode(undefined, 'n2')];
    const rig = await open({ nodes, manifest });
    rig.want([rig.demand('a')]);
    await rig.pass(2_000);
    rig.lose('n1');
    rig.registry.unreachable('n1', 'ECONNREFUSED');
    await rig.pass(2_000);
    expect(nodes.map(({ begun }) => begun)).toEqual([['a'], ['a']]);
  });
});

describe('a restart', () => {
  test('G-22 what was wanted is read back, nodes keep what they have, and nothing is loaded again', async () => {
    const node = aNode();
    const first = await open({ nodes: [node], manifest });
    first.want([first.demand('a')]);
    await first.pass(2_000);
    const { clock, stateDir } = first;
    const before = first.wantedNow();
    await shut(first);
    const second = await open({ nodes: [node], manifest, clock, stateDir });
    await second.pass(500);
    expect([second.wantedNow(), second.status('a').state, node.begun, second.published]).toEqual([before, 'resident', ['a'], []]);
  });

  test('E-10 a definition that changed meanwhile gets a new generation; one that is gone is dropped by its node', async () => {
    const node = aNode();
    const first = await open({ nodes: [node], manifest });
    first.want([first.demand('a'), first.demand('c', { oldestArrivalSeq: 2 })]);
    await first.pass(3_500);
    expect([...node.resident.keys()].sort()).toEqual([A, replicaId('n1-p', 'c')]);
    const { clock, stateDir } = first;
    await shut(first);
    const changed = aManifest(['a', 'b']);
    const spec = changed.models.get('a')!.spec;
    const models = new Map(changed.models).set('a', { spec: { ...spec, slots: 8 }, origin: 'manifest' });
    const second = await open({ nodes: [node], manifest: { ...changed, models }, clock, stateDir });
    await second.pass(500);
    expect(second.wantedNow()).toEqual(['model.a resident n1-p g3']);
    expect([...node.journal.values()].map(({ instance_id, generation, model }) => [instance_id, generation, model.slots])).toEqual([['model.a', 3, 8]]);
    expect([...node.resident.keys()]).toEqual([replicaId('n1-p', 'a~2048x8')]);
  });
});

describe('the outbox', () => {
  test('E-08 T-94 commands for a node that cannot be reached wait, are superseded, and come when it can', async () => {
    const node = aNode();
    const cutOff = new Set(['n1']);
    const rig = await open({ nodes: [node], manifest, cutOff });
    rig.lose('n1');
    rig.want([rig.demand('a')]);
    await rig.pass(1_500);
    expect([node.journal.size, rig.wantedNow()]).toEqual([0, ['model.a on_disk n1-p g1']]);
    expect(rig.lines.filter(({ message }) => message === 'command not published yet').length).toBe(1);
    cutOff.clear();
    await rig.pass(3_000);
    expect(rig.published).toMatchObject([{ instance_id: 'model.a', generation: 1 }]);
    expect(node.journal.get('default/model.a')?.generation).toBe(1);
  });

  test('E-10 a full set makes what waited for the node needless', async () => {
    const node = aNode();
    const cutOff = new Set(['n1']);
    const rig = await open({ nodes: [node], manifest, cutOff });
    rig.want([rig.demand('a')]);
    await rig.pass(3_000);
    expect(rig.status('a').state).toBe('resident');
    cutOff.clear();
    await rig.pass(12_000);
    expect(rig.published).toEqual([]);
  });
});

test('G-19 P-41 a model that only a node has is served, and means the same after a restart', async () => {
  const node = aNode();
  node.models.set('c', aNodeModel('c', 3, { digest: `sha256:${'c'.repeat(64)}` }));
  const first = await open({ nodes: [node], manifest: aManifest(['a']) });
  const { model } = first.demand('c');
  expect(model).toEqual({ model_id: 'c', sources: ['catalog:c'], digest: `sha256:${'c'.repeat(64)}`, context: 2_048, slots: 4, pinned: false });
  first.want([first.demand('c')]);
  await first.pass(1_000);
  expect(node.begun).toEqual(['c']);
  const { clock, stateDir } = first;
  await shut(first);
  const second = await open({ nodes: [node], manifest: aManifest(['a']), clock, stateDir, online: false });
  expect(second.demand('c').model).toEqual(model);
  expect(second.wantedNow()).toEqual(['model.c resident n1-p g1']);
});
