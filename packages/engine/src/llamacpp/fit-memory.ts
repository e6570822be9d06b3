/** What the engine's estimator said for one context. */
export interface ContextSample {
  readonly cells: number;
  readonly bytes: number;
}

export interface ContextFit {
  readonly baseBytes: number;
  readonly perCellBytes: number;
}

/**
 * Fits `baseBytes + perCellBytes × cells` so that no sample lies above the line.
 *
 * Of the slopes between two samples it takes the one with which the line lies least above the others: a
 * planner may reserve a little too much, never too little.
 */
export function fitContextMemory(samples: readonly ContextSample[]): ContextFit {
  const slopes = samples.flatMap((a) => samples.filter((b) => b.cells > a.cells).map((b) => Math.max(0, (b.bytes - a.bytes) / (b.cells - a.cells))));
  const fits = [0, ...new Set(slopes)].map((perCellBytes): ContextFit => ({ baseBytes: Math.ceil(Math.max(0, ...samples.map(({ cells, bytes }) => bytes - perCellBytes * cells))), perCellBytes }));
  return fits.reduce((best, fit) => (excess(fit, samples) < excess(best, samples) ? fit : best));
}

/** How far the line lies above the samples, relative to each. */
function excess({ baseBytes, perCellBytes }: ContextFit, samples: readonly ContextSample[]): number {
  return samples.reduce((sum, { cells, bytes }) => sum + (baseBytes + perCellBytes * cells) / Math.max(1, bytes), 0);
}
