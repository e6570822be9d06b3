import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { RELOAD_STEPS } from '../src/manifest/reloads.js';
import type { ReloadMoment } from '../src/manifest/reload-faults.js';
import { removeFolders } from './fixtures.js';
import { aReloadRig, type ReloadRig } from './reload-rig.js';
import { aFileOf, replicaId, SimulatedNode } from './simulated-node.js';

let open: ReloadRig[] = [];
afterEach(async () => {
  for (const rig of open) await rig.close();
  open = [];
});
afterAll(removeFolders);

const BEFORE = `version: 1
models:
  a: { source: /models/a.gguf, slots: 4 }
  b: { source: /models/b.gguf }
routes:
  chat: { model: a }
  gone: { model: b }
instances:
  - { id: desk, model: a, config: { temperature: 0.1 } }
  - { id: leaving, model: b }
`;
const AFTER = `version: 1
models:
  a: { source: /models/a.gguf, slots: 8 }
  b: { source: /models/b.gguf }
routes:
  chat: { model: a, priority: batch }
  fresh: { model: b }
instances:
  - { id: desk, model: a, config: { temperature: 0.9 } }
  - { id: arriving, model: b }
`;
const SUMMARY = {
  added: ['instance:default/arriving', 'route:fresh'],
  modified: ['instance:default/desk', 'model:a', 'route:chat'],
  removed: ['instance:default/leaving', 'route:gone'],
  unchanged: ['model:b'],
};
const OLD = replicaId('n1-p', 'a');
const NEW = replicaId('n1-p', 'a~2048x8');

async function aRig({ text = BEFORE, memoryBytes = 100 }: { readonly text?: string; readonly memoryBytes?: number } = {}) {
  const leases = new Map<string, number>();
  const node = new SimulatedNode('n1', [{ poolId: 'n1-p', memoryBytes }], { a: 40, b: 30 }, (id) => leases.get(id) ?? 0);
  const rig = await aReloadRig({ text, nodes: [node] });
  open.push(rig);
  return { rig, node, leases };
}

/** Model `a` is resident, and nobody waits for it any more. */
async function withA(rig: ReloadRig): Promise<void> {
  rig.want([rig.demand('a')]);
  await rig.pass(2_500);
  rig.want([]);
  await rig.pass(100);
}

describe('a reload', () => {
  test('F-03 F-16 T-115 says what is new, changed, gone and the same, and serves it', async () => {
    const { rig } = await aRig();
    const outcome = await rig.reload(AFTER);
    expect(outcome).toMatchObject({ kind: 'ok', source: 'admin_api', summary: SUMMARY, notes: [] });
    expect(outcome.steps.map(({ step }) => step)).toEqual([...RELOAD_STEPS]);
    expect([...rig.served.current().routes.values()].map(({ name, version }) => `${name}@${version}`)).toEqual(['chat@2', 'fresh@1']);
    expect(rig.models.resolve('gone', 'default')).toMatchObject({ kind: 'not_found' });
    expect(rig.instances.explicitOf('default').map(({ instanceId }) => instanceId).sort()).toEqual(['arriving', 'desk']);
    expect(rig.reloads.history()).toEqual([outcome]);
  });

  test('F-19 T-126 the same definitions change nothing, whatever the comments', async () => {
    const { rig } = await aRig();
    const before = rig.bindings.statuses();
    expect(await rig.reload(`# another comment\n${BEFORE}`)).toMatchObject({ kind: 'ok', summary: { added: [], modified: [], removed: [], unchanged: [...SUMMARY.modified, 'instance:default/leaving', 'model:b', 'route:gone'].sort() } });
    expect(rig.bindings.statuses()).toEqual(before);
  });

  test('F-19 two at a time come one after the other, each with its outcome', async () => {
    const { rig } = await aRig();
    const order: string[] = [];
    rig.hooks.faults = { at: (moment) => void (moment.endsWith('validate') && order.push(moment)) };
    const both = Promise.all(['a', 'b'].map((correlationId) => rig.reloads.reload({ source: 'signal', path: null, correlationId })));
    let isOver = false;
    both.finally(() => (isOver = true)).catch(() => undefined);
    while (!isOver) {
      await rig.pass(50);
      // Files and the store take real time.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect((await both).map(({ kind, correlationId }) => [kind, correlationId])).toEqual([['ok', 'a'], ['ok', 'b']]);
    expect(order).toEqual(['before validate', 'after validate', 'before validate', 'after validate']);
  });

  test('F-16 F-35 after a restart a definition has the version that it had', async () => {
    const { rig } = await aRig();
    await rig.reload(AFTER);
    const { bindings } = await rig.restarted();
    const active = (statuses: readonly { readonly id: string; readonly version: number; readonly state: string }[]) => statuses.filter(({ state }) => state === 'active').map(({ id, version }) => `${id}@${version}`);
    expect(active(bindings.statuses())).toEqual(active(rig.bindings.statuses()));
    expect(bindings.activeVersion('route:chat')).toBe(2);
  });
});

describe('a fault', () => {
  const MOMENTS: readonly ReloadMoment[] = [...RELOAD_STEPS.flatMap((step): ReloadMoment[] => [`before ${step}`, `after ${step}`]), 'before commit', 'after commit'];

  test.each(MOMENTS)('F-04 %s leaves routes, versions, rows, copy and what is wanted as they were', async (at) => {
    const { rig, node } = await aRig();
    await withA(rig);
    const before = await rig.state();
    rig.hooks.faults = {
      at: (moment) => {
        if (moment === at) throw new Error('a fault of this test');
      },
    };
    const outcome = await rig.reload(AFTER);
    const step = at === 'before commit' || at === 'after commit' ? 'activate' : at.split(' ')[1];
    expect(outcome).toMatchObject({ kind: 'error', errorKind: 'activation', step, error: expect.stringContaining('a fault of this test') });
    await rig.pass(3_000);
    expect(await rig.state()).toEqual(before);
    expect([...node.resident.keys()]).toContain(OLD);
    rig.hooks.faults = { at: () => undefined };
    expect(await rig.reload(AFTER)).toMatchObject({ kind: 'ok', summary: SUMMARY });
  });

  test('F-04 G-47 what cannot be taken back is said, with the next step', async () => {
    const { rig } = await aRig();
    rig.hooks.faults = {
      at: (moment) => {
        if (moment === 'after commit' || moment === 'before rollback') throw new Error(`a fault ${moment}`);
      },
    };
    expect(await rig.reload(AFTER)).toMatchObject({ kind: 'error', errorKind: 'rollback_failed', step: 'activate', error: expect.stringContaining('restart orchestratord') });
  });

  test('F-25 T-116 a broken file is told with its line, and a missing one too', async () => {
    const { rig } = await aRig();
    const before = await rig.state();
    expect(await rig.reload('version: 1\nroutes:\n  chat: { model: nobody }\n')).toMatchObject({ kind: 'error', errorKind: 'validation', step: 'validate', problems: [{ line: 3, field: 'routes.chat.model' }] });
    await rm(rig.path);
    const outcome = await rig.reloads.reload({ source: 'cli', path: null, correlationId: 'c' });
    expect(outcome).toMatchObject({ kind: 'error', errorKind: 'validation', step: 'validate', error: expect.stringContaining('cannot be read') });
    expect(await rig.reloads.reload({ source: 'cli', path: '/another.yaml', correlationId: 'c' })).toMatchObject({ kind: 'error', errorKind: 'validation', step: 'open' });
    expect(await rig.state()).toEqual(before);
  });

  test('F-33 T-127 a required pool of a node that cannot be reached fails the reload, an optional one does not', async () => {
    const { rig } = await aRig();
    const before = await rig.state();
    const pools = (required: boolean) => `${AFTER}pools:\n  - { id: far, node: n9, device: cpu, required: ${required} }\n`;
    expect(await rig.reload(pools(true))).toMatchObject({ kind: 'error', errorKind: 'activation', step: 'prepare', error: expect.stringContaining('n9') });
    expect(await rig.state()).toEqual(before);
    expect(await rig.reload(pools(false))).toMatchObject({ kind: 'ok' });
  });

  test('F-03 a route that is pinned to a pool which nobody has is refused with its line', async () => {
    const { rig } = await aRig();
    const outcome = await rig.reload('version: 1\nmodels: { a: { source: /models/a.gguf } }\nroutes:\n  chat: { model: a, placement: { mode: pin, pin_pool_id: p9 } }\n');
    expect(outcome).toMatchObject({ kind: 'error', errorKind: 'validation', step: 'resolve', problems: [{ line: 4, message: 'there is no pool "p9"; the pools are n1-p' }] });
  });

  test('F-34 the copy that a restart would serve is the old or the new manifest as a whole, at every moment', async () => {
    const { rig } = await aRig();
    const copies: (string | null)[] = [];
    const copy = () => readFile(join(rig.stateDir, 'manifest.last-good.json'), 'utf8').then((text) => (JSON.parse(text) as { text: string }).text, () => null);
    await rig.reload(BEFORE);
    rig.hooks.faults = { at: async () => void copies.push(await copy()) };
    await rig.reload(AFTER);
    expect(new Set(copies)).toEqual(new Set([BEFORE, AFTER]));
    expect(copies.lastIndexOf(BEFORE)).toBeLessThan(copies.indexOf(AFTER));
  });
});

describe('replicas', () => {
  test('F-31 a reload that adds a route, or changes what an instance samples with, touches none', async () => {
    const { rig, node } = await aRig();
    await withA(rig);
    const begun = [...node.begun];
    const next = BEFORE.replace('gone: { model: b }', 'gone: { model: b }\n  more: { model: a }').replace('temperature: 0.1', 'temperature: 0.7');
    expect(await rig.reload(next)).toMatchObject({ kind: 'ok', summary: { added: ['route:more'], modified: ['instance:default/desk'] }, notes: [] });
    await rig.pass(1_000);
    expect([node.begun, [...node.resident.keys()]]).toEqual([begun, [OLD]]);
  });

  test('F-30 F-31 the digest of the very file that serves touches none, and what waits for the model waits for the same replica', async () => {
    const { rig, node } = await aRig();
    await withA(rig);
    const waiting = rig.models.resolve('a', 'default');
    if (waiting.kind !== 'resolved') throw new Error(waiting.message);
    const begun = [...node.begun];
    const { digest } = aFileOf('a', 1);
    expect(await rig.reload(BEFORE.replace('slots: 4', `slots: 4, digest: "${digest}"`))).toMatchObject({ kind: 'ok', summary: { modified: ['model:a'] }, notes: [] });
    await rig.pass(1_000);
    expect([node.begun, [...node.resident.keys()]]).toEqual([begun, [OLD]]);
    const now = rig.models.resolve('a', 'default');
    expect(now.kind === 'resolved' && rig.models.targetNow(waiting).modelKey === now.modelKey && now.modelKey !== waiting.modelKey).toBe(true);
    expect(rig.status('a').state).toBe('resident');
  });

  test('F-31 C-40 a changed model is loaded beside the old one before it is served, and the old one goes', async () => {
    const { rig, node } = await aRig();
    await withA(rig);
    const seen: string[][] = [];
    rig.hooks.onSwapped = () => void seen.push([...node.resident.keys()]);
    const outcome = await rig.reload(AFTER);
    expect(outcome).toMatchObject({ kind: 'ok', notes: [expect.stringContaining('loaded beside the old replica in pool n1-p')] });
    expect(seen).toEqual([[OLD, NEW]]);
    await rig.pass(1_000);
    expect([[...node.resident.keys()], rig.wantedNow().map((one) => one.replace(/ g\d+$/, ''))]).toEqual([[NEW], ['model.a resident n1-p']]);
  });

  test('F-32 without room beside it the routes change at once, and the old one leaves first', async () => {
    const { rig, node } = await aRig({ memoryBytes: 60 });
    await withA(rig);
    expect(await rig.reload(AFTER)).toMatchObject({ kind: 'ok', notes: [expect.stringContaining('no room beside the old replica in pool n1-p, which is drained first')] });
    await rig.pass(2_000);
    expect([...node.resident.keys()]).toEqual([NEW]);
  });

  test('F-32 a model that cannot be loaded any more is not taken up', async () => {
    const { rig, node } = await aRig();
    await withA(rig);
    const before = await rig.state();
    node.failing.set('a', 'the file is broken');
    const outcome = await rig.reload(AFTER);
    expect(outcome).toMatchObject({ kind: 'error', errorKind: 'activation', step: 'prepare', error: expect.stringContaining('the file is broken') });
    node.failing.clear();
    await rig.pass(3_000);
    expect(await rig.state()).toEqual(before);
  });

  test('F-05 requests of the old version keep its replica until they have ended', async () => {
    const { rig, node, leases } = await aRig();
    await withA(rig);
    const underWay = holding(rig);
    leases.set(OLD, 1);
    underWay.tell();
    await rig.reload(AFTER);
    await rig.pass(2_000);
    expect([...node.resident.keys()].sort()).toEqual([OLD, NEW].sort());
    expect(rig.loop.isYielding(OLD)).toBe(false);
    leases.clear();
    underWay.end();
    await rig.pass(2_000);
    expect([[...node.resident.keys()], rig.wantedNow().map((one) => one.replace(/ g\d+$/, ''))]).toEqual([[NEW], ['model.a resident n1-p']]);
  });

  test('F-05 F-32 without room, requests of the old version end on its replica before the new one is loaded', async () => {
    const { rig, node, leases } = await aRig({ memoryBytes: 60 });
    await withA(rig);
    const underWay = holding(rig);
    leases.set(OLD, 1);
    underWay.tell();
    expect(await rig.reload(AFTER)).toMatchObject({ kind: 'ok', notes: [expect.stringContaining('drained first')] });
    await rig.pass(2_000);
    expect([[...node.resident.keys()], rig.loop.isYielding(OLD)]).toEqual([[OLD], false]);
    leases.clear();
    underWay.end();
    await rig.pass(2_000);
    expect([[...node.resident.keys()], rig.wantedNow().map((one) => one.replace(/ g\d+$/, ''))]).toEqual([[NEW], ['model.a resident n1-p']]);
  });

  test('F-05 F-22 what the manifest no longer defines leaves once the last request of it has ended', async () => {
    const { rig, node, leases } = await aRig();
    await withA(rig);
    const underWay = holding(rig);
    leases.set(OLD, 1);
    underWay.tell();
    expect(await rig.reload('version: 1\nmodels:\n  b: { source: /models/b.gguf }\n')).toMatchObject({ kind: 'ok', summary: { removed: expect.arrayContaining(['model:a', 'route:chat']) } });
    await rig.pass(2_000);
    expect([[...node.resident.keys()], rig.loop.isYielding(OLD)]).toEqual([[OLD], false]);
    leases.clear();
    underWay.end();
    await rig.pass(15_000);
    expect([[...node.resident.keys()], rig.wantedNow()]).toEqual([[], []]);
  });
});

/** A request for model `a` that is under way, as the task loop tells of it whenever what is served changes. */
function holding(rig: ReloadRig) {
  const target = rig.models.resolve('a', 'default');
  if (target.kind !== 'resolved') throw new Error(target.message);
  const tell = (): void => {
    const holder = rig.models.holderOf(target);
    rig.loop.update([], [], holder === target.instance ? [holder] : [target.instance, { ...holder, heldFor: target.model }]);
  };
  rig.hooks.onSwapped = tell;
  const end = (): void => {
    rig.hooks.onSwapped = () => undefined;
    rig.loop.update([], [], []);
  };
  return { tell, end };
}
