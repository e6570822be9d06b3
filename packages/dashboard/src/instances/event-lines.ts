import type { InstanceEvent } from '@corral/contracts';
import type { Tone } from '../wording/tone.js';
import { formatDuration } from '../wording/format-duration.js';
import { PHASES } from './load-phases.js';

/** One thing that happened to an instance. */
export interface EventRow {
  readonly atMs: number;
  readonly type: string;
  readonly what: string;
  readonly tone: Tone;
  readonly why: string | null;
  /** How long it took, and each step of it. */
  readonly took: string | null;
}

const TONES: Readonly<Record<string, Tone>> = { loaded: 'good', staged: 'good', loading: 'busy', load_requested: 'busy', unload_requested: 'busy', load_failed: 'bad', evicted: 'warn', suspended: 'warn' };

function eventRow({ at, type, reason, duration_ms: durationMs, steps }: InstanceEvent): EventRow {
  const each = steps.map(({ step, duration_ms: ms }) => `${PHASES[step] ?? step} ${formatDuration(ms)}`).join(', ');
  const total = durationMs === null ? '' : formatDuration(durationMs);
  return {
    atMs: Date.parse(at),
    type,
    what: type.replaceAll('_', ' '),
    tone: TONES[type] ?? 'idle',
    why: reason,
    // A single step says it all where it took the whole time.
    took: total === '' && each === '' ? null : [steps.length === 1 && steps[0]?.duration_ms === durationMs ? '' : total, each].filter((part) => part !== '').join(': '),
  };
}

/** The same thing that happened again and again, such as a load that is tried and fails. */
export interface EventLine extends EventRow {
  readonly times: number;
  /** When it happened first; `atMs` and `took` are of the last time. */
  readonly firstMs: number;
}

/** One line for each thing, the newest first; what was repeated with nothing in between is one line. [U-19] */
export function eventLines(events: readonly InstanceEvent[]): readonly EventLine[] {
  const lines: EventLine[] = [];
  for (const row of events.map(eventRow)) {
    const last = lines.at(-1);
    const isRepeated = last !== undefined && last.type === row.type && last.why === row.why;
    if (isRepeated) lines[lines.length - 1] = { ...last, times: last.times + 1, firstMs: row.atMs };
    else lines.push({ ...row, times: 1, firstMs: row.atMs });
  }
  return lines;
}
