import type { InstanceState, Lifecycle } from '../src/assignments/lifecycle.js';
import { InstanceHistory } from '../src/instances/instance-history.js';
import { InstanceRegistry, instanceKeyOf } from '../src/instances/instance-registry.js';
import { Instances } from '../src/instances/instances.js';
import { starterManifest } from '../src/manifest/starter-manifest.js';
import { deleteInstance, type InstanceKey } from '../src/store/instance-rows.js';
import { openStore, type Store } from '../src/store/open-store.js';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, aModelSpec } from './fixtures.js';

export const COLD: InstanceState = { residency: 'on_disk', isReady: false, nodeId: null, poolId: null, lastError: null, progress: null, estimatedMs: null, retryAfterMs: null };
export const READY: InstanceState = { ...COLD, residency: 'resident', isReady: true, nodeId: 'n1', poolId: 'p1', estimatedMs: 0 };

/** A residency loop that does at once what it is told, and remembers it. */
export class FakeLifecycle implements Lifecycle {
  readonly calls: string[] = [];
  readonly states = new Map<string, InstanceState>();
  failure: Error | null = null;

  load(key: InstanceKey, { tier, source }: Parameters<Lifecycle['load']>[1]): Promise<void> {
    return this.#do(`load ${instanceKeyOf(key)} ${tier} ${source}`, key, READY);
  }
  unload(key: InstanceKey): Promise<void> {
    return this.#do(`unload ${instanceKeyOf(key)}`, key, COLD);
  }
  refresh(key: InstanceKey): Promise<void> {
    return this.#do(`refresh ${instanceKeyOf(key)}`, key, this.stateOf(key));
  }
  stateOf(key: InstanceKey): InstanceState {
    return this.states.get(instanceKeyOf(key)) ?? COLD;
  }

  #do(call: string, key: InstanceKey, state: InstanceState): Promise<void> {
    this.calls.push(call);
    if (this.failure !== null) return Promise.reject(this.failure);
    this.states.set(instanceKeyOf(key), state);
    return Promise.resolve();
  }
}

export interface InstancesRig {
  readonly instances: Instances;
  readonly registry: InstanceRegistry;
  readonly lifecycle: FakeLifecycle;
  readonly history: InstanceHistory;
  readonly store: Store;
  readonly clock: FakeClock;
  close(): Promise<void>;
}

/** Real store and registry, a lifecycle that obeys. Models `smollm2` and `tiny` are served. */
export async function openInstances(): Promise<InstancesRig> {
  const clock = new FakeClock();
  const store = await openStore({ stateDir: await aFolder(), clock, log: silentLog });
  await store.db.insertInto('orgs').values({ org_id: 'acme', created_at: 0 }).execute();
  const registry = await InstanceRegistry.open({ store, served: { current: starterManifest }, log: silentLog });
  const lifecycle = new FakeLifecycle();
  const history = new InstanceHistory({ store, clock, log: silentLog });
  const served = new Map(['smollm2', 'tiny'].map((id) => [id, aModelSpec({ model_id: id })]));
  const forget = async (keys: readonly InstanceKey[]): Promise<void> => {
    for (const key of keys) {
      await deleteInstance(store.db, key, clock.nowMs());
      const record = registry.find(key);
      if (record !== undefined) registry.put({ ...record, deletedAtMs: clock.nowMs() });
    }
  };
  const instances = new Instances({ store, registry, lifecycle, wanted: { forget }, models: { specOf: (id) => served.get(id), isRetired: () => false, modelIds: () => served.keys() }, history, log: silentLog });
  const close = async (): Promise<void> => {
    await history.close();
    await store.close();
  };
  return { instances, registry, lifecycle, history, store, clock, close };
}
