import { resolve } from 'node:path';
import type { Log } from '@corral/service-kit';
import type { OrchestratordConfig } from '../config.js';
import { BindingRegistry } from '../manifest/binding-registry.js';
import { bindingsOf } from '../manifest/bindings-of.js';
import { loadManifest } from '../manifest/load-manifest.js';
import { ServedState } from '../manifest/served-state.js';
import { versioned } from '../manifest/versioned.js';
import { fileIdentity } from '../reloads/file-identity.js';
import { listBindings, replaceBindings } from '../store/binding-rows.js';
import type { Store } from '../store/open-store.js';

export interface OpenedManifest {
  readonly served: ServedState;
  readonly bindings: BindingRegistry;
  /** The file as it was when it was read. */
  readonly seen: string | null;
}

/** What is served from the start: the file or its last good copy as a whole, each binding with the version that it had. [F-16 F-24] */
export async function openManifest({ config, store, log }: { readonly config: Pick<OrchestratordConfig, 'manifest' | 'state_dir'>; readonly store: Store; readonly log: Log }): Promise<OpenedManifest> {
  const seen = config.manifest === '' ? null : await fileIdentity(resolve(config.manifest));
  const loaded = await loadManifest({ path: config.manifest === '' ? null : config.manifest, stateDir: config.state_dir, log });
  const bindings = new BindingRegistry(await listBindings(store.db));
  const entries = bindingsOf(loaded.manifest);
  const plan = bindings.plan(entries);
  bindings.register(plan, entries);
  const rows = bindings.rowsAfter(plan);
  await store.db.transaction().execute((tx) => replaceBindings(tx, rows));
  bindings.activate(plan);
  return { served: new ServedState({ ...loaded, manifest: versioned(loaded.manifest, bindings) }), bindings, seen };
}
