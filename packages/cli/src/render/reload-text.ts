import type { ReloadSummary } from '@corral/contracts';

/** What a reload changed, in numbers: `(+1 ~2 -0)`. [F-12] */
export function countsOf({ added, modified, removed }: ReloadSummary): string {
  return `(+${added.length} ~${modified.length} -${removed.length})`;
}
