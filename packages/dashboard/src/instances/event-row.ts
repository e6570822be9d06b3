import type { InstanceEvent } from '@corral/contracts';
import type { Tone } from '../wording/tone.js';
import { formatDuration } from '../wording/format-duration.js';
import { PHASES } from './load-phases.js';

export interface EventRow {
  readonly at: string;
  readonly what: string;
  readonly tone: Tone;
  readonly why: string | null;
  /** How long it took, and each step of it. */
  readonly took: string | null;
}

const TONES: Readonly<Record<string, Tone>> = { loaded: 'good', staged: 'good', loading: 'busy', load_requested: 'busy', unload_requested: 'busy', load_failed: 'bad', evicted: 'warn', suspended: 'warn' };

/** One thing that happened to an instance. [U-19] */
export function eventRow({ at, type, reason, duration_ms: durationMs, steps }: InstanceEvent): EventRow {
  const each = steps.map(({ step, duration_ms: ms }) => `${PHASES[step] ?? step} ${formatDuration(ms)}`).join(', ');
  const total = durationMs === null ? '' : formatDuration(durationMs);
  return {
    at,
    what: type.replaceAll('_', ' '),
    tone: TONES[type] ?? 'idle',
    why: reason,
    took: total === '' && each === '' ? null : [total, each].filter((part) => part !== '').join(': '),
  };
}
