/** What a plan for replicas needs to know of their pool. */
export interface PoolRoom {
  readonly poolId: string;
  /** Usable and not draining. */
  readonly isOpen: boolean;
  readonly memoryTotalBytes: number;
  readonly replicasMax: number | null;
}
