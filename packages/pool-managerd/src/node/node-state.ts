import { assignmentsHash } from '@corral/contracts';
import type { NodeState } from '@corral/contracts';
import type { CatalogEntry } from '@corral/catalog-core';
import type { Clock } from '@corral/service-kit';
import type { Journal } from '../assignments/journal.js';
import { nodeModel } from './node-model.js';
import { stagingStatus } from '../staging/staging-view.js';
import type { StagingSources } from '../staging/staging-view.js';
import type { NodeView } from './node-view.js';
import type { TierSpeeds } from './tier-speeds.js';

export interface NodeStateSources {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly version: string;
  readonly clock: Clock;
  readonly view: NodeView;
  readonly journal: Journal;
  readonly catalog: { list(): readonly CatalogEntry[] };
  /** `null` where nothing can be staged. */
  readonly staging: StagingSources | null;
  readonly speeds: TierSpeeds;
  eventBus(): NodeState['event_bus'];
}

/** Builds the full state that registration, heartbeats and polls carry. `seq` grows with every one that is built. [P-13] */
export function nodeStateBuilder(sources: NodeStateSources): () => NodeState {
  const { nodeId, incarnation, version, clock, view, journal, catalog } = sources;
  let seq = 0;
  return () => {
    seq += 1;
    return {
      node_id: nodeId,
      incarnation,
      version,
      sent_at: new Date(clock.nowMs()).toISOString(),
      seq,
      pools: [...view.pools()],
      models: catalog.list().map(nodeModel),
      assignments: view.assignments().map(({ status }) => status),
      assignments_hash: assignmentsHash([...journal.state.entries.values()].map(({ assignment }) => assignment)),
      event_bus: sources.eventBus(),
      staging: sources.staging === null ? null : stagingStatus(sources.staging),
      bytes_per_s: sources.speeds.bandwidth(),
    };
  };
}

/** What of a state is worth a report at once; the rest (free slots, progress) may wait a moment. */
export function newsOf(state: NodeState): string {
  const pools = state.pools.map(({ slots_free: _free, active_leases: _leases, replicas, ...pool }) => [pool, replicas.map(({ slots_free: _slots, load_progress: _progress, ...replica }) => replica)]);
  const assignments = state.assignments.map(({ progress, ...status }) => [status, progress?.phase ?? null]);
  return JSON.stringify([pools, assignments, state.assignments_hash, state.models.map(({ model_id, digest, lifecycle, facts }) => [model_id, digest, lifecycle, facts !== null]), stagingNews(state)]);
}

/** What is there and what is coming; how far a copy has come may wait. */
function stagingNews({ staging }: NodeState): unknown {
  return staging === null ? null : [staging.entries.map(({ digest, state, pinned }) => [digest, state, pinned]), staging.failures];
}
