import { assignmentsHash } from '@corral/contracts';
import type { NodeModel, NodeState } from '@corral/contracts';
import type { CatalogEntry } from '@corral/catalog-core';
import type { Clock } from '@corral/service-kit';
import type { Journal } from '../assignments/journal.js';
import type { IntentKeeper } from '../models/intent-keeper.js';
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
  readonly catalog: { list(): readonly CatalogEntry[]; readonly revision: number };
  /** `null` where nothing can be staged. */
  readonly staging: StagingSources | null;
  readonly speeds: TierSpeeds;
  readonly intent: Pick<IntentKeeper, 'applied'>;
  eventBus(): NodeState['event_bus'];
}

/** Builds the full state that registration, heartbeats and polls carry. `seq` grows with every one that is built. [P-13] */
export function nodeStateBuilder(sources: NodeStateSources): () => NodeState {
  const { nodeId, incarnation, version, clock, view, journal, catalog } = sources;
  let seq = 0;
  const models = modelsByRevision(catalog);
  return () => {
    seq += 1;
    const applied = sources.intent.applied();
    return {
      node_id: nodeId,
      incarnation,
      version,
      sent_at: new Date(clock.nowMs()).toISOString(),
      seq,
      pools: [...view.pools()],
      models: models(),
      assignments: view.assignments().map(({ status }) => status),
      assignments_hash: assignmentsHash([...journal.state.entries.values()].map(({ assignment }) => assignment)),
      event_bus: sources.eventBus(),
      staging: sources.staging === null ? null : stagingStatus(sources.staging),
      bytes_per_s: sources.speeds.bandwidth(),
      ...(applied === undefined ? {} : { catalog: applied }),
    };
  };
}

/** The same list until an entry changes: with ten thousand models, making it is work. */
function modelsByRevision(catalog: NodeStateSources['catalog']): () => NodeModel[] {
  let known: { readonly revision: number; readonly models: NodeModel[] } | null = null;
  return () => {
    const { revision } = catalog;
    if (known?.revision !== revision) known = { revision, models: catalog.list().map(nodeModel) };
    return known.models;
  };
}

/** What of a state is worth a report at once; the rest (free slots, progress) may wait a moment. */
export function newsOf(state: NodeState): string {
  const pools = state.pools.map(({ slots_free: _free, active_leases: _leases, replicas, ...pool }) => [pool, replicas.map(({ slots_free: _slots, load_progress: _progress, ...replica }) => replica)]);
  const assignments = state.assignments.map(({ progress, ...status }) => [status, progress?.phase ?? null]);
  return JSON.stringify([pools, assignments, state.assignments_hash, modelNews(state.models), stagingNews(state), state.catalog]);
}

/** What of a state may wait a moment. When files were last used waits for the next report. */
export function detailOf({ seq: _seq, sent_at: _sentAt, models, ...rest }: NodeState): string {
  return JSON.stringify([rest, modelDetails(models)]);
}

const modelNews = textOfList((models) => models.map(({ model_id, digest, lifecycle, pinned, verification, last_verified_ms, facts }) => [model_id, digest, lifecycle, pinned, verification.result, last_verified_ms, facts !== null]));
const modelDetails = textOfList((models) => models.map(({ last_used_ms: _used, ...model }) => model));

/** The text of a list of models, made once for each list. */
function textOfList(part: (models: readonly NodeModel[]) => unknown): (models: readonly NodeModel[]) => string {
  const known = new WeakMap<readonly NodeModel[], string>();
  return (models) => {
    const text = known.get(models) ?? JSON.stringify(part(models));
    known.set(models, text);
    return text;
  };
}

/** What is there and what is coming; how far a copy has come may wait. */
function stagingNews({ staging }: NodeState): unknown {
  return staging === null ? null : [staging.entries.map(({ digest, state, pinned }) => [digest, state, pinned]), staging.failures];
}
