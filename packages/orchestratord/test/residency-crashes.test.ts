import { afterEach, describe, expect, test } from '@jest/globals';
import { removeFolders } from './fixtures.js';
import { aManifest, aRig, type Rig, type RigOptions } from './residency-rig.js';
import { SimulatedNode } from './simulated-node.js';

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

const manifest = aManifest(['a']);
const aNode = () => new SimulatedNode('n1', [{ poolId: 'n1-p', memoryBytes: 10 }], { a: 6 });

async function withResidentA() {
  const node = aNode();
  const rig = await open({ nodes: [node], manifest });
  rig.want([rig.demand('a')]);
  await rig.pass(2_000);
  expect(rig.status('a').state).toBe('resident');
  return { node, rig };
}

describe('a replica that crashed', () => {
  test('C-173 while its node brings it back, tasks wait for it and nothing is ordered, whatever was seen before', async () => {
    const { node, rig } = await withResidentA();
    const before = rig.published.length;
    node.resident.clear();
    node.restarting.set('a', 'somebody killed it');
    await rig.pass(500);
    expect(rig.status('a')).toMatchObject({ state: 'loading', message: 'a is started again in pool n1-p after: somebody killed it', retryAfterMs: 0 });
    await rig.pass(1_500);
    node.restarting.clear();
    await rig.pass(1_000);
    expect([rig.status('a').state, rig.published.length]).toEqual(['resident', before]);
  });

  test('C-173 the same where it never was resident: killed while it loaded', async () => {
    const node = aNode();
    const rig = await open({ nodes: [node], manifest });
    node.loadMs = 60_000;
    rig.want([rig.demand('a')]);
    await rig.pass(2_000);
    const before = rig.published.length;
    node.loading = null;
    node.loadMs = 300;
    node.restarting.set('a', 'somebody killed it');
    await rig.pass(1_000);
    expect([rig.status('a').state, rig.published.length]).toEqual(['loading', before]);
    node.restarting.clear();
    await rig.pass(1_000);
    expect([rig.status('a').state, rig.published.length]).toEqual(['resident', before]);
  });
});
