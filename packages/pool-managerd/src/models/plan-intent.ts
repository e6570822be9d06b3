import type { CatalogEntry, Lifecycle } from '@corral/catalog-core';
import type { CatalogIntent } from '@corral/contracts';

/** What the control plane said last, and when this node took it. */
export interface TakenIntent {
  readonly orchestratorIncarnation: string;
  readonly version: number;
  readonly takenAtMs: number;
  readonly models: ReadonlyMap<string, CatalogIntent>;
}

/** What of an entry the intent decides. */
export interface IntendedState {
  readonly modelId: string;
  readonly lifecycle: Lifecycle;
  readonly retiredAtMs: number | null;
  readonly pinned: boolean;
  /** The intent names the digest that the file has. */
  readonly digestGiven: boolean;
}

export interface IntentPlan {
  readonly changes: readonly IntendedState[];
  /** Entries that are to go with their files, once nobody uses them. */
  readonly removals: readonly string[];
}

/**
 * What the intent changes in the entries of a node. Pure. Entries that it does not name stay as they are; one with other bytes
 * than were removed, or that came after the intent was taken, is not removed by it: somebody wanted that. [G-19 D-61]
 */
export function planIntent(entries: Iterable<CatalogEntry>, intent: TakenIntent): IntentPlan {
  const changes: IntendedState[] = [];
  const removals: string[] = [];
  for (const entry of entries) {
    const wanted = intent.models.get(entry.id);
    if (wanted === undefined) continue;
    if (wanted.state === 'Removed') {
      const isMeant = wanted.digest === null || wanted.digest === entry.digest;
      if (isMeant && entry.createdMs <= intent.takenAtMs) removals.push(entry.id);
      continue;
    }
    const retiredAtMs = wanted.state === 'Retired' ? (wanted.retired_at_ms ?? entry.retiredAtMs ?? intent.takenAtMs) : null;
    const digestGiven = entry.digestGiven || wanted.digest === entry.digest;
    if (entry.lifecycle === wanted.state && entry.retiredAtMs === retiredAtMs && entry.pinned === wanted.pinned && entry.digestGiven === digestGiven) continue;
    changes.push({ modelId: entry.id, lifecycle: wanted.state, retiredAtMs, pinned: wanted.pinned, digestGiven });
  }
  return { changes, removals };
}
