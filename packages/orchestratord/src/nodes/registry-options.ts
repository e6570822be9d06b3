import type { Assignment, ORCHESTRATORD_METRICS, Preload } from '@corral/contracts';
import type { BusState } from '@corral/event-bus';
import type { ClientTls, Clock, Log, Metrics } from '@corral/service-kit';
import type { ServedPool } from '../manifest/served-manifest.js';
import type { CatalogIntentSource } from './catalog-intent.js';
import type { ThisHost } from './local-node.js';

/** What the registry asks of whoever owns the wanted set. */
export interface WantedOfNodes {
  /** Everything that is wanted of a node. */
  assignmentsOf(nodeId: string): readonly Assignment[];
  /** What is to be resident from the start and concerns the node. */
  preloadsOf(nodeId: string): readonly Preload[];
  /** The node was told its whole set: commands that wait for it are no longer needed. */
  toldAll(nodeId: string): void;
}

export interface NodeRegistryOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  readonly wanted: WantedOfNodes;
  /** What nodes are to know of the catalog: each answer to a report names its version. */
  readonly catalog: Pick<CatalogIntentSource, 'version'>;
  /** Pools that the manifest defines. */
  pools(): readonly ServedPool[];
  readonly host: ThisHost;
  /** Changes with every start of this daemon. */
  readonly incarnation: string;
  /** How commands travel: nodes that listen elsewhere are shown as such. Default `http`. */
  readonly busMode?: BusState['mode'];
  /** Nodes that are polled whether or not they register. */
  readonly staticUrls: readonly string[];
  /** Sent to nodes. */
  readonly token: string | undefined;
  readonly tls?: ClientTls | undefined;
  readonly heartbeatMs: number;
  readonly offlineMs: number;
  /** Default 5 s. */
  readonly pollMs?: number;
  /** Default 1000. */
  readonly nodesMax?: number;
}

/** Longest lists that one node may report. */
export const REPORT_LIMITS = { pools: 256, models: 10_000, assignments: 10_000 } as const;
