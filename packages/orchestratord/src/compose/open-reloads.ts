import { resolve } from 'node:path';
import type { Clock, Log, Shutdown } from '@corral/service-kit';
import type { ResidencyLoop } from '../assignments/residency-loop.js';
import type { Catalog } from '../catalog/catalog.js';
import type { OrchestratordConfig } from '../config.js';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { BindingRegistry } from '../manifest/binding-registry.js';
import { ServedReloads } from '../manifest/manifest-reloads.js';
import { ReloadSequence } from '../manifest/reload-sequence.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { ServedState } from '../manifest/served-state.js';
import { thisHost } from '../nodes/local-node.js';
import type { NodeRegistry } from '../nodes/node-registry.js';
import type { Store } from '../store/open-store.js';
import type { TaskLoop } from '../tasks/task-loop.js';

export interface OpenReloadsParts {
  readonly config: Pick<OrchestratordConfig, 'manifest' | 'state_dir' | 'reload_prepare_ms'>;
  readonly served: ServedState;
  readonly bindings: BindingRegistry;
  readonly store: Store;
  readonly catalog: Catalog;
  readonly instances: InstanceRegistry;
  readonly residency: ResidencyLoop;
  readonly nodes: NodeRegistry;
  readonly models: ModelDirectory;
  readonly tasks: TaskLoop;
  readonly clock: Clock;
  readonly log: Log;
  readonly shutdown: Shutdown;
}

/** The reloads of the manifest, over everything that reads it. */
export async function openReloads(parts: OpenReloadsParts): Promise<ServedReloads> {
  const { config, nodes, tasks, shutdown } = parts;
  const host = await thisHost();
  const stopping = new AbortController();
  const sequence = new ReloadSequence({
    ...parts,
    path: config.manifest === '' ? null : resolve(config.manifest),
    stateDir: config.state_dir,
    nodes: { pools: () => nodes.pools(), reach: () => ({ nodes: nodes.whereabouts(), host }) },
    onSwapped: () => tasks.servedChanged(),
    prepareMs: config.reload_prepare_ms,
    signal: stopping.signal,
  });
  const reloads = new ServedReloads({ ...parts, sequence });
  shutdown.add('reloads', () => {
    stopping.abort(new Error('the server is stopping'));
    return reloads.close();
  });
  return reloads;
}
