import type { EngineEntry, GcItem } from '@corral/catalog-core';
import type { EngineStore } from '@corral/catalog-core/fs';
import { formatBytes, messageOf } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';
import type { Collectable, GcRemoval } from './collectable.js';

export interface CollectableEnginesParts {
  readonly store: Pick<EngineStore, 'get' | 'list' | 'delete'>;
  /** Who needs a bundle, in words. */
  usedBy(entry: EngineEntry): readonly string[];
  /** Whether bundles lie on the disk that the thresholds are about. */
  isOnDisk(): boolean;
  readonly log: Log;
}

/** The engine bundles of the node. What came with the program goes with it and is never collected. [D-32 D-75] */
export function collectableEngines({ store, usedBy, isOnDisk, log }: CollectableEnginesParts): Collectable {
  const useOf = (entry: EngineEntry): string | null => {
    if (entry.inPlace && entry.mode !== 'external') return 'it came with the program';
    const uses = usedBy(entry);
    return uses.length === 0 ? null : uses.slice(0, 3).join('; ');
  };
  const itemOf = ({ id, location: path, inPlace, mode, artifacts, state: lifecycle, retiredAtMs, pinned, lastUsedMs, createdMs }: EngineEntry): GcItem => {
    const sizeBytes = artifacts.reduce((sum, artifact) => sum + artifact.sizeBytes, 0);
    return { kind: 'engine', id, path, external: inPlace || mode === 'external', isOnDisk: isOnDisk(), sizeBytes, lifecycle, retiredAtMs, pinned, lastUsedMs, createdMs };
  };
  return {
    kind: 'engine',
    items: () => store.list().map(itemOf),
    useOf: ({ id }) => {
      const entry = store.get(id);
      return entry === null ? null : useOf(entry);
    },
    remove: async ({ id }, rule, mayGo): Promise<GcRemoval> => {
      try {
        const { deleted, freedBytes, fileError } = await store.delete(id, { mayGo: (entry) => useOf(entry) === null && mayGo(itemOf(entry)) });
        if (!deleted) return { kind: 'kept', reason: 'it has come into use or has changed meanwhile' };
        if (fileError !== null) return { kind: 'failed', error: `its entry is gone, and its files stay until the next start: ${fileError}` };
        log.info('engine deleted', { engine_id: id, rule, freed_bytes: freedBytes, freed: formatBytes(freedBytes) });
        return { kind: 'deleted', freedBytes };
      } catch (error) {
        return { kind: 'failed', error: messageOf(error) };
      }
    },
  };
}
