import { expect, test } from '@jest/globals';
import { ProvisionError } from '@corral/provisioners';
import { ensureMeant } from './ensure-meant.js';
import type { PresentModel } from './present-model.js';

const MODEL: PresentModel = { modelId: 'm', digest: `sha256:${'0'.repeat(64)}`, path: '/m', sizeBytes: 1, facts: null };
const WANTED = { modelId: 'm', sources: ['file:/m'], digest: null };
const OPTIONS = { signal: new AbortController().signal, onProgress: () => {} };

function aNode({ state, meant, error = new ProvisionError('RETIRED', 'it is retired') }: { readonly state: string; readonly meant: string; readonly error?: Error }) {
  const node = { state, looks: 0 };
  const ensure = ensureMeant(() => (node.state === 'Active' ? Promise.resolve(MODEL) : Promise.reject(error)), () => {
    node.looks += 1;
    node.state = meant;
    return Promise.resolve();
  });
  return { node, ensure: () => ensure(WANTED, OPTIONS) };
}

test('G-10 a load that overtakes the news of its model being active again is done', async () => {
  const { node, ensure } = aNode({ state: 'Retired', meant: 'Active' });
  expect([await ensure(), node.looks]).toEqual([MODEL, 1]);
});

test('G-10 a model that is still retired at the second look is refused', async () => {
  const { node, ensure } = aNode({ state: 'Retired', meant: 'Retired' });
  await expect(ensure()).rejects.toThrow('it is retired');
  expect(node.looks).toBe(1);
});

test('G-10 any other refusal stands at once', async () => {
  const { node, ensure } = aNode({ state: 'Retired', meant: 'Active', error: new ProvisionError('DISK_FULL', 'the disk is full') });
  await expect(ensure()).rejects.toThrow('the disk is full');
  expect(node.looks).toBe(0);
});
