import type { CacheList, POOL_MANAGERD_METRICS, StagedEntry, StagingStatus } from '@corral/contracts';
import type { Metrics } from '@corral/service-kit';
import type { StagingArea } from './staging-area.js';
import { stagedPath } from './staged-record.js';

/** A staging area to look at. */
export interface StagingSources {
  readonly area: StagingArea;
  readonly dir: string;
  readonly isBestEffort: boolean;
}

/** The staging area as the node's state shows it. [C-70 C-74] */
export function stagingStatus(sources: StagingSources): StagingStatus {
  const { area, isBestEffort } = sources;
  const entries = entriesOf(area);
  return { used_bytes: usedBytes(area), max_bytes: area.budgetBytes, best_effort: isBestEffort, entries: [...entries], failures: [...failuresOf(area)] };
}

/** The answer of `GET /v2/cache`; an empty one where nothing can be staged. [C-03] */
export function cacheList(sources: StagingSources | null): CacheList {
  if (sources === null) return { data: [], used_bytes: 0, max_bytes: 0, best_effort: true, failures: [], next_cursor: null };
  const { area, dir, isBestEffort } = sources;
  const data = entriesOf(area).map((entry) => ({ ...entry, path: stagedPath(dir, entry.digest as `sha256:${string}`) }));
  return { data, used_bytes: usedBytes(area), max_bytes: area.budgetBytes, best_effort: isBestEffort, failures: [...failuresOf(area)], next_cursor: null };
}

function failuresOf(area: StagingArea): StagingStatus['failures'] {
  return area.wishes().flatMap(({ modelId, digest }) => {
    const problem = area.problemOf(digest);
    return problem === null ? [] : [{ model_id: modelId, digest, message: problem.message }];
  });
}

/** What is there, then what is being copied, then what waits for its turn. */
function entriesOf(area: StagingArea): readonly StagedEntry[] {
  const pinned = new Set(area.wishes().filter(({ isPinned }) => isPinned).map(({ digest }) => digest));
  const running = area.running();
  const coming = area.wishes().filter(({ digest }) => area.isComing(digest));
  return [
    ...area.list().map(({ modelId, digest, sizeBytes, leases }): StagedEntry => ({ model_id: modelId, digest, size_bytes: sizeBytes, state: 'staged', progress: null, pinned: pinned.has(digest), leases })),
    ...coming.map(({ modelId, digest, sizeBytes }): StagedEntry => {
      const copiedBytes = running?.model.digest === digest ? running.copiedBytes : 0;
      const progress = sizeBytes === 0 ? 0 : Math.min(1, copiedBytes / sizeBytes);
      return { model_id: modelId, digest, size_bytes: sizeBytes, state: 'staging', progress, pinned: pinned.has(digest), leases: 0 };
    }),
  ];
}

/** What is being copied counts in full: its room is taken. */
function usedBytes(area: StagingArea): number {
  const staged = area.list().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return staged + (area.running()?.model.sizeBytes ?? 0);
}

/** Writes the gauges of the staging area as it is. [C-74] */
export function setStagingGauges(metrics: Metrics<typeof POOL_MANAGERD_METRICS>, sources: StagingSources | null): void {
  metrics.set('model_cache_size_bytes', {}, sources === null ? 0 : usedBytes(sources.area));
  metrics.set('model_cache_entries', {}, sources?.area.list().length ?? 0);
}
