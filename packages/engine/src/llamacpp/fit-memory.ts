/** What the engine's estimator said for one context. */
export interface ContextSample {
  readonly cells: number;
  readonly bytes: number;
}

/**
 * Fits `baseBytes + perCellBytes × cells` so that no sample lies above the line.
 *
 * The slope is that between the smallest and the largest context, the base the highest that any sample
 * needs: a planner may reserve a little too much, never too little.
 */
export function fitContextMemory(samples: readonly ContextSample[]): { readonly baseBytes: number; readonly perCellBytes: number } {
  const sorted = samples.toSorted((a, b) => a.cells - b.cells);
  const first = sorted[0];
  const last = sorted.at(-1);
  if (first === undefined || last === undefined || first.cells === last.cells) return { baseBytes: Math.max(0, ...samples.map(({ bytes }) => bytes)), perCellBytes: 0 };
  const perCellBytes = Math.max(0, (last.bytes - first.bytes) / (last.cells - first.cells));
  return { baseBytes: Math.ceil(Math.max(0, ...sorted.map(({ cells, bytes }) => bytes - perCellBytes * cells))), perCellBytes };
}
