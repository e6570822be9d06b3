import type { ReplicaStatus } from '@corral/contracts';
import { instanceKeyOf } from '../instances/instance-registry.js';
import type { PoolView } from '../nodes/node-view.js';
import type { AssignmentView } from './assignment-view.js';

/** Where weights were when a load was ordered. */
export type LoadedFrom = 'staged' | 'on_disk' | 'absent';

/** A model that became resident. */
export interface LoadDone {
  readonly view: AssignmentView;
  readonly from: LoadedFrom;
  readonly durationMs: number;
}

interface Ordered {
  readonly from: LoadedFrom;
  readonly sinceMs: number;
}

const ENTRIES_MAX = 10_000;

/** What earlier passes saw and the next reports no longer say. Bounded; what it forgets costs an estimate. */
export class ResidencyMemory {
  readonly #measuredBytes = new Map<string, number>();
  readonly #lastLoadMs = new Map<string, number>();
  readonly #ordered = new Map<string, Ordered>();
  readonly #wasResident = new Map<string, number>();

  /** Takes one look at the reports. Returns the loads that are done since the last look. */
  observe(pools: readonly PoolView[], views: readonly AssignmentView[], keyOf: (replica: ReplicaStatus) => string, nowMs: number): readonly LoadDone[] {
    for (const { poolId, status } of pools) {
      for (const replica of status.replicas) {
        if (replica.state === 'resident') remember(this.#measuredBytes, measuredKey(poolId, keyOf(replica)), replica.memory_bytes);
      }
    }
    const resident = views.filter(({ assignment, status }) => assignment.wanted === 'resident' && status?.residency === 'resident');
    return resident.flatMap((view) => {
      remember(this.#wasResident, keyOfView(view), view.assignment.generation);
      const ordered = this.#ordered.get(view.modelKey);
      if (ordered === undefined) return [];
      this.#ordered.delete(view.modelKey);
      const durationMs = nowMs - ordered.sinceMs;
      if (ordered.from !== 'absent') remember(this.#lastLoadMs, `${ordered.from} ${view.modelKey}`, durationMs);
      return [{ view, from: ordered.from, durationMs }];
    });
  }

  /** A load or fetch was ordered; the time counts from the first order. */
  ordered(modelKey: string, from: LoadedFrom, nowMs: number): void {
    if (!this.#ordered.has(modelKey)) remember(this.#ordered, modelKey, { from, sinceMs: nowMs });
  }

  givenUp(modelKey: string): void {
    this.#ordered.delete(modelKey);
  }

  measuredBytes(poolId: string, modelKey: string): number | null {
    return this.#measuredBytes.get(measuredKey(poolId, modelKey)) ?? null;
  }

  /** How long the last load from there took; `null` when none was seen. */
  lastLoadMs(modelKey: string, from: Exclude<LoadedFrom, 'absent'>): number | null {
    return this.#lastLoadMs.get(`${from} ${modelKey}`) ?? null;
  }

  /** Whether this very assignment was seen resident. */
  wasResident(view: AssignmentView): boolean {
    return this.#wasResident.get(keyOfView(view)) === view.assignment.generation;
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > ENTRIES_MAX && oldest.done !== true) map.delete(oldest.value);
}

function measuredKey(poolId: string, modelKey: string): string {
  return `${poolId} ${modelKey}`;
}

function keyOfView({ assignment }: AssignmentView): string {
  return instanceKeyOf({ orgId: assignment.org_id, instanceId: assignment.instance_id });
}
