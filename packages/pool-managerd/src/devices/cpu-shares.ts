/** What one `cpu` pool may use. */
export interface CpuShare {
  /** Replicas that it can hold at once. */
  readonly replicasMax: number;
  readonly threadsPerReplica: number;
}

export interface CpuBudget {
  /** Cores that this process may use, the quota of its control group included. */
  readonly cores: number;
  /** `null` = all but one core. */
  readonly threads: number | null;
  /** `null` = two, or as many as there are cores. */
  readonly replicas: number | null;
}

/**
 * Divides the cores among `pools` cpu pools. Returns one share per pool; `null` for those that no core is left for.
 *
 * However many replicas live at once, their threads never exceed the cores: with more, llama.cpp's spin
 * barrier makes every one of them a hundred times slower.
 */
export function cpuShares(pools: number, budget: CpuBudget): readonly (CpuShare | null)[] {
  const cores = Math.max(1, Math.floor(budget.cores));
  const threads = Math.min(cores, budget.threads ?? Math.max(1, cores - 1));
  const sharing = Math.min(pools, cores);
  return Array.from({ length: pools }, (_, n) => (n < sharing ? shareOf(Math.floor(cores / sharing), Math.floor(threads / sharing), budget.replicas) : null));
}

function shareOf(cores: number, threads: number, replicas: number | null): CpuShare {
  const replicasMax = Math.min(cores, Math.max(1, replicas ?? 2));
  return { replicasMax, threadsPerReplica: Math.max(1, Math.floor(threads / replicasMax)) };
}
