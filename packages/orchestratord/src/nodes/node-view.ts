import type { AssignmentStatus, EventEnvelope, ModelFacts, NodeModel, NodeSummary, PoolStatus, StagingStatus } from '@corral/contracts';
import type { HttpClient } from '@corral/service-kit';

/** One pool as its node last reported it. Pool ids are unique over all nodes. */
export interface PoolView {
  readonly poolId: string;
  readonly nodeId: string;
  /** URL of the node. Never shown to clients. [B-51] */
  readonly address: string;
  /** Whether its node reports in time. */
  readonly online: boolean;
  readonly snapshotAgeMs: number;
  readonly status: PoolStatus;
}

/** An artifact that at least one node has. */
export interface NodeModelView {
  readonly modelId: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly facts: ModelFacts | null;
  readonly retired: boolean;
  /** Nodes that have it, ascending. */
  readonly nodeIds: readonly string[];
}

/** One node as a place for models. */
export interface NodePlace {
  readonly nodeId: string;
  readonly online: boolean;
  readonly models: readonly NodeModel[];
  /** Where the node has what is wanted of it. */
  readonly assignments: readonly AssignmentStatus[];
  /** How fast weights come into use from each place, as the node measured it; `null` where it has not. */
  readonly bytesPerS: { readonly staged: number | null; readonly onDisk: number | null; readonly network: number | null };
  /** `null` where the node stages nothing. */
  readonly staging: StagingStatus | null;
}

/** What changed in the registry, for those who keep plans or queues that depend on it. */
export type NodeChange =
  | { readonly type: 'registered' | 'online' | 'reported'; readonly nodeId: string }
  /** Its tasks are lost: `offline` by silence, `gone` by its own word, `restarted` as another process. */
  | { readonly type: 'offline' | 'gone' | 'restarted'; readonly nodeId: string; readonly reason: string }
  | { readonly type: 'event'; readonly nodeId: string; readonly event: EventEnvelope };

/** What the rest of the daemon may ask of the node registry. Every answer is a snapshot; nothing of it is live. */
export interface NodeDirectory {
  /** Pools of all known nodes, by node id, then pool id; those of offline nodes have `online` false. */
  pools(): readonly PoolView[];
  pool(poolId: string): PoolView | undefined;
  nodes(): readonly NodeSummary[];
  models(): readonly NodeModelView[];
  places(): readonly NodePlace[];
  /** For dispatch. The registry opens it, keeps it alive and closes it when the node goes; `undefined` when the node is unknown. */
  clientFor(nodeId: string): HttpClient | undefined;
  /** Asks the node for its state at once: for those who cannot wait for its next report, or have just failed to reach it. Calls are joined. */
  refresh(nodeId: string): void;
  /**
   * No connection to the node could be made: it is offline from now until it reports or answers, so that what was to
   * run there waits or goes elsewhere instead of being tried there again. [P-17]
   */
  unreachable(nodeId: string, reason: string): void;
  /** The listener must not throw. Returns the end of the subscription. */
  onChange(listener: (change: NodeChange) => void): () => void;
}
