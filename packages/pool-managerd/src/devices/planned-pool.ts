import type { Digest } from '@corral/catalog-core';
import type { DeviceKind } from '@corral/contracts';

/** A pool as the manifest defines it for this node. `memoryBytes` null = what the device has. */
export interface PoolChoice {
  readonly poolId: string;
  readonly device: string;
  readonly memoryBytes: number | null;
}

/** The one model of a server that runs by itself. [D-82] */
export interface AttachedModel {
  readonly engineId: string;
  /** Of the server. */
  readonly version: string;
  readonly modelId: string;
  readonly digest: Digest;
  readonly contextTokens: number;
  readonly slots: number;
}

/** What a pool is made of. With a `problem` it exists to say why it cannot serve, and nothing is started on it. [G-26] */
export interface PlannedPool {
  readonly poolId: string;
  /** `cuda:0`, `vulkan:0`, `cpu`; `none` where nothing usable was found. */
  readonly device: string;
  readonly deviceKind: DeviceKind | null;
  readonly deviceName: string | null;
  readonly deviceMask: string;
  readonly memoryTotalBytes: number;
  /** `null` = as many as fit in the memory. */
  readonly replicasMax: number | null;
  readonly threadsPerReplica: number;
  readonly problem: string | null;
  /** The bundle that its replicas run; nothing of it is planned with the pool. */
  readonly engineId?: string | null;
  /** Of a pool that stands before a server: nothing is loaded there or unloaded. */
  readonly attached?: AttachedModel;
}
