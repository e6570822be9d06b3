import { afterAll, expect, test } from '@jest/globals';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { starterManifest } from '../manifest/starter-manifest.js';
import { putInstance } from '../store/instance-rows.js';
import { openStore } from '../store/open-store.js';
import { createdInstance } from './instance-changes.js';
import { InstanceRegistry } from './instance-registry.js';
import { keepManifestInstances } from './keep-manifest-instances.js';

afterAll(removeFolders);

const defined = (instanceId: string, over: object = {}) => createdInstance('acme', { instance_id: instanceId, model: 'm', ...over }, 'manifest');
const key = (instanceId: string) => ({ orgId: 'acme', instanceId });

test('B-154 C-67 the manifest makes its orgs and instances, holds hot ones, follows its changes and leaves what calls made', async () => {
  const store = await openStore({ stateDir: await aFolder(), clock: new FakeClock(), log: silentLog });
  try {
    const start = async (wanted: Parameters<typeof keepManifestInstances>[1]) => {
      const registry = await InstanceRegistry.open({ store, served: { current: starterManifest }, log: silentLog });
      const news = await keepManifestInstances({ store, registry, log: silentLog }, wanted);
      return { news, records: Object.fromEntries(registry.explicitOf('acme').map((one) => [one.instanceId, one])) };
    };
    const first = await start([defined('bot', { tier: 'hot' }), defined('old'), defined('same')]);
    expect(first.news).toEqual({ removed: [], refreshed: [] });
    expect(Object.values(first.records).map(({ instanceId, heldTier, origin }) => [instanceId, heldTier, origin])).toEqual([['bot', 'hot', 'manifest'], ['old', null, 'manifest'], ['same', null, 'manifest']]);
    const made = await putInstance(store.db, createdInstance('acme', { instance_id: 'mine', model: 'm', tier: 'warm' }, 'api'), 7);

    const second = await start([defined('bot', { tier: 'cold', config: { seed: 1 } }), defined('same', { name: 'Same' }), defined('mine')]);
    expect(second.news).toEqual({ removed: [key('old')], refreshed: [key('bot')] });
    expect(second.records['mine']).toEqual(made);
    expect([second.records['bot'], second.records['same']]).toMatchObject([{ tier: 'cold', heldTier: 'hot', config: { seed: 1 } }, { name: 'Same' }]);
    expect((await start([defined('bot', { tier: 'cold', config: { seed: 1 } }), defined('same', { name: 'Same' }), defined('mine')])).news.refreshed).toEqual([]);
  } finally {
    await store.close();
  }
});
