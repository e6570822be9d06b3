import { metricSamples, sumOf } from './metric-samples.js';

/** What one look at the counters gave. */
export interface CounterReading {
  readonly atMs: number;
  readonly tokensOut: number;
  readonly loads: number;
  readonly queued: number;
  readonly queuedByPool: Readonly<Record<string, number>>;
}

export interface ThroughputPoint {
  readonly atMs: number;
  readonly tokensPerS: number;
  /** Tasks waiting at that moment. */
  readonly queued: number;
  /** Loads that ended in the minute before. */
  readonly loadsPerMin: number;
}

/** Fifteen minutes at one reading in two seconds, and a little: what a chart shows, and the most that is kept. */
const READINGS_MAX = 480;
/** Tokens are counted when an answer ends: over less time the line would be all spikes. */
const TOKENS_WINDOW_MS = 10_000;
const LOADS_WINDOW_MS = 60_000;

export function counterReading(exposition: string, atMs: number): CounterReading {
  const sum = (name: string): number => sumOf(metricSamples(exposition, name));
  const depths = metricSamples(exposition, 'queue_depth');
  const queuedByPool: Record<string, number> = {};
  for (const { labels, value } of depths) queuedByPool[labels['pool_id'] ?? ''] = (queuedByPool[labels['pool_id'] ?? ''] ?? 0) + value;
  return { atMs, tokensOut: sum('tokens_out_total'), loads: sum('instance_load_duration_ms_count'), queued: sumOf(depths), queuedByPool };
}

/** With one more reading at its end; the oldest go. Readings out of order, such as after a change of the clock, begin anew. */
export function withReading(readings: readonly CounterReading[], next: CounterReading): readonly CounterReading[] {
  const last = readings.at(-1);
  if (last !== undefined && next.atMs <= last.atMs) return [next];
  return [...readings, next].slice(-READINGS_MAX);
}

/** One point for each reading; the first has rates of zero. [U-10] */
export function throughput(readings: readonly CounterReading[]): readonly ThroughputPoint[] {
  const tokens = grown(readings.map(({ tokensOut }) => tokensOut));
  const loads = grown(readings.map(({ loads: ended }) => ended));
  return readings.map(({ atMs, queued }, n) => ({
    atMs,
    tokensPerS: inWindow(readings, tokens, n, TOKENS_WINDOW_MS).perMs * 1_000,
    queued,
    loadsPerMin: inWindow(readings, loads, n, LOADS_WINDOW_MS).count,
  }));
}

/** A counter that only grows: after a restart of the server, which counts from zero, what it has counted since comes on top. */
function grown(values: readonly number[]): readonly number[] {
  let total = 0;
  let last = values[0] ?? 0;
  return values.map((value) => {
    total += value >= last ? value - last : value;
    last = value;
    return total;
  });
}

function inWindow(readings: readonly CounterReading[], totals: readonly number[], end: number, windowMs: number): { readonly count: number; readonly perMs: number } {
  const endMs = readings[end]?.atMs ?? 0;
  let start = end;
  while (start > 0 && endMs - (readings[start - 1]?.atMs ?? 0) <= windowMs) start -= 1;
  const count = (totals[end] ?? 0) - (totals[start] ?? 0);
  const spanMs = endMs - (readings[start]?.atMs ?? 0);
  return { count, perMs: spanMs > 0 ? count / spanMs : 0 };
}
