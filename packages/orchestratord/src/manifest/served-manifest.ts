import type { ModelSpec, Priority, Tier } from '@corral/contracts';
import type { FullPolicy, PlacementOverrides } from '@corral/orchestrator-core';
import type { InstanceDefinition } from '../store/instance-rows.js';

/** A model that may be asked for by its id, and what a node needs to know of it. */
export interface ServedModel {
  readonly spec: ModelSpec;
  readonly origin: 'manifest' | 'starter' | 'node';
}

/** A name that clients send as `model`. */
export interface ServedRoute {
  readonly name: string;
  /** From 1; a changed definition gets the next one. [F-16] */
  readonly version: number;
  readonly modelId: string;
  readonly tier: Tier;
  /** Seconds without use after which a demand instance leaves; `null` = never. */
  readonly ttlS: number | null;
  readonly priority: Priority;
  readonly placement: PlacementOverrides | null;
}

/** A pool that the manifest defines; `nodeId` is as written, where `local` means a node on this host. */
export interface ServedPool {
  readonly poolId: string;
  readonly nodeId: string;
  readonly device: string;
  /** `null` = what the node finds. */
  readonly memoryBytes: number | null;
  /** `null` = the server's default. */
  readonly queueCapacity: number | null;
  readonly fullPolicy: FullPolicy | null;
  /** A changed manifest is refused while its node cannot be reached. [T-127] */
  readonly required: boolean;
}

/** What this control plane serves: one immutable value, replaced as a whole. */
export interface ServedManifest {
  /** Where it was read from; `null` for the starter model. */
  readonly path: string | null;
  readonly models: ReadonlyMap<string, ServedModel>;
  readonly routes: ReadonlyMap<string, ServedRoute>;
  /** Explicit instances, as they are to be whenever the daemon starts. */
  readonly instances: readonly InstanceDefinition[];
  /** Empty = one pool per device found on each node. */
  readonly pools: readonly ServedPool[];
  /** Equal exactly when two manifests define the same, whatever their comments and key order. [F-17] */
  readonly hash: string;
}
