import { compareText } from '../compare-text.js';
import type { BindingDefinition, ReloadSummary } from './binding.js';

/** A version that was given out. */
export interface KnownVersion {
  readonly id: string;
  readonly version: number;
  readonly fingerprint: string;
}

/** A binding with the version that it has from now on. */
export interface PlannedBinding extends BindingDefinition {
  readonly version: number;
}

/** What a reload changes, by id. */
export interface ReloadPlan {
  readonly added: readonly PlannedBinding[];
  /** With their new versions. */
  readonly modified: readonly PlannedBinding[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
}

export interface ReloadPlanInput {
  /** What is served. */
  readonly current: readonly KnownVersion[];
  /** What is to be served; ids are unique. */
  readonly next: readonly BindingDefinition[];
  /** Earlier versions that are still known, in any order; those of `current` may be among them. */
  readonly known: readonly KnownVersion[];
}

/**
 * Compares what is served with what is to be served, by fingerprint. A definition that is known has its version
 * again, any other one the next after the highest that is known of its id, from 1. Linear in the number of bindings.
 * Pure. [F-03 F-16 F-17]
 */
export function planReload({ current, next, known }: ReloadPlanInput): ReloadPlan {
  const before = new Map(current.map((one) => [one.id, one]));
  const versions = versionsById([...known, ...current]);
  const planned = (one: BindingDefinition): PlannedBinding => ({ ...one, version: versionOf(one, versions.get(one.id) ?? []) });
  const named = new Set(next.map(({ id }) => id));
  const sorted = next.toSorted((a, b) => compareText(a.id, b.id));
  const isSame = ({ id, fingerprint }: BindingDefinition): boolean => before.get(id)?.fingerprint === fingerprint;
  return {
    added: sorted.filter(({ id }) => !before.has(id)).map(planned),
    modified: sorted.filter((one) => before.has(one.id) && !isSame(one)).map(planned),
    removed: [...before.keys()].filter((id) => !named.has(id)).sort(compareText),
    unchanged: sorted.filter(isSame).map(({ id }) => id),
  };
}

/** The plan as it is told. */
export function summaryOf({ added, modified, removed, unchanged }: ReloadPlan): ReloadSummary {
  const ids = (bindings: readonly PlannedBinding[]): readonly string[] => bindings.map(({ id }) => id);
  return { added: ids(added), modified: ids(modified), removed, unchanged };
}

function versionsById(known: readonly KnownVersion[]): ReadonlyMap<string, readonly KnownVersion[]> {
  const byId = new Map<string, KnownVersion[]>();
  for (const one of known) {
    const same = byId.get(one.id);
    if (same === undefined) byId.set(one.id, [one]);
    else same.push(one);
  }
  return byId;
}

function versionOf({ fingerprint }: BindingDefinition, known: readonly KnownVersion[]): number {
  const again = known.filter((one) => one.fingerprint === fingerprint).map(({ version }) => version);
  if (again.length > 0) return Math.max(...again);
  return Math.max(0, ...known.map(({ version }) => version)) + 1;
}
