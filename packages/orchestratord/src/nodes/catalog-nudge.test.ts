import { expect, test } from '@jest/globals';
import { silentLog, systemClock } from '@corral/service-kit';
import type { HttpClient } from '@corral/service-kit';
import { CatalogNudge } from './catalog-nudge.js';
import type { NodePlace } from './node-view.js';

test('G-19 a change is told to online nodes at once, many changes as few, and one that does not hear it holds up nobody', async () => {
  const told: string[] = [];
  const place = (nodeId: string, online: boolean): NodePlace => ({ nodeId, online, models: [], assignments: [], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null });
  const clientFor = (nodeId: string) => ({
    exchange: (method: string, path: string) => {
      told.push(`${nodeId} ${method} ${path}`);
      return nodeId === 'deaf' ? Promise.reject(new Error('connection refused')) : Promise.resolve({ status: 204, headers: {}, body: undefined });
    },
  }) as unknown as HttpClient;
  const nudge = new CatalogNudge({ nodes: { places: () => [place('deaf', true), place('n1', true), place('away', false)], clientFor }, clock: systemClock, log: silentLog });
  for (let n = 0; n < 1_000; n += 1) nudge.changed();
  while (told.length < 2) await systemClock.sleep(5);
  nudge.changed();
  while (told.length < 4) await systemClock.sleep(5);
  await nudge.close();
  nudge.changed();
  const once = ['deaf POST /v2/catalog/sync', 'n1 POST /v2/catalog/sync'];
  expect(told).toEqual([...once, ...once]);
});
