import type { StagedEntry, StagingStatus } from '@corral/contracts';
import { counted } from '../wording/counted.js';
import { formatSize } from '../wording/format-size.js';

export interface StagingView {
  readonly usedText: string;
  readonly usedFraction: number;
  readonly note: string | null;
  readonly entries: readonly { readonly key: string; readonly model: string; readonly size: string; readonly state: string; readonly fraction: number | null; readonly marks: readonly string[] }[];
  readonly failures: readonly string[];
}

/** The staging area of one node. [U-11] */
export function stagingView(staging: StagingStatus): StagingView {
  return {
    usedText: `${formatSize(staging.used_bytes)} of ${formatSize(staging.max_bytes)}`,
    usedFraction: staging.max_bytes === 0 ? 0 : Math.min(1, staging.used_bytes / staging.max_bytes),
    note: staging.best_effort ? 'The directory is not in RAM: a staged file may still be read from a disk. Set POOL_MANAGERD_STAGE_DIR to a tmpfs.' : null,
    entries: staging.entries.map((entry) => ({
      key: entry.digest,
      model: entry.model_id,
      size: formatSize(entry.size_bytes),
      state: entry.state === 'staged' ? 'staged' : `copying${entry.progress === null ? '' : ` ${Math.round(entry.progress * 100)} %`}`,
      fraction: entry.state === 'staged' ? null : entry.progress,
      marks: marksOf(entry),
    })),
    failures: staging.failures.map(({ model_id, message }) => `${model_id}: ${message}`),
  };
}

function marksOf({ pinned, leases }: StagedEntry): readonly string[] {
  return [...(pinned ? ['pinned'] : []), ...(leases > 0 ? [`in use by ${counted(leases, 'load or replica', 'loads or replicas')}`] : [])];
}
