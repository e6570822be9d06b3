import { RESIDENCY_LABELS, type InstanceRow } from './instance-row.js';

const WRONG = 'with an error';

/** States that instances are looked for in: where they are, and whether something is wrong. */
export const INSTANCE_STATES: readonly string[] = [WRONG, ...RESIDENCY_LABELS];

/** Rows whose name or model has every word of `text` in it, in one state or, where it is null, in any. [U-35] */
export function matchingInstances(rows: readonly InstanceRow[], text: string, state: string | null): readonly InstanceRow[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const isIn = (row: InstanceRow): boolean => state === null || (state === WRONG ? row.lastError !== null : row.residency.label === state);
  return rows.filter((row) => isIn(row) && words.every((word) => `${row.orgId}/${row.instanceId} ${row.model ?? ''}`.toLowerCase().includes(word)));
}
