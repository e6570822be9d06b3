import { noteMeasured } from '@corral/catalog-core';
import type { DeviceKind, MeasuredMemory } from '@corral/catalog-core';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { messageOf } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';
import type { ModelPresence } from './model-presence.js';

export interface Taken extends MeasuredMemory {
  readonly digest: string;
  readonly deviceKind: DeviceKind;
}

/**
 * Writes what a replica took of its device to what is known of its file: at once for this node's plans, and durably for
 * the next start and for the control plane. [D-60]
 */
export async function learnMemory({ digest, deviceKind, ...taken }: Taken, to: { readonly presence: Pick<ModelPresence, 'learn'>; readonly catalog: CatalogStore; readonly log: Log }): Promise<void> {
  to.presence.learn(digest, (facts) => noteMeasured(facts, deviceKind, taken));
  for (const { id, digest: held, facts } of to.catalog.list()) {
    if (held !== digest || facts === null || noteMeasured(facts, deviceKind, taken) === facts) continue;
    try {
      await to.catalog.update(id, (entry) => (entry.digest === digest && entry.facts !== null ? { ...entry, facts: noteMeasured(entry.facts, deviceKind, taken) } : entry));
    } catch (error) {
      // The figure is known in memory; it is measured again by the next load.
      to.log.warn('measured memory not kept', { model_id: id, error: messageOf(error) });
    }
  }
}
