import type { Verification } from '@corral/contracts';
import { formatAge } from '../wording/format-age.js';
import type { Tone } from '../wording/tone.js';

export interface VerificationView {
  readonly tone: Tone;
  readonly label: string;
  /** When that was found; null where nobody looked. */
  readonly when: string | null;
  /** The moment that `when` is about. */
  readonly atMs: number | null;
  /** What there is to say beside the word; null where the word is enough. */
  readonly reason: string | null;
}

/** A verification in a word. */
export const RESULTS: Readonly<Record<Verification['result'], { readonly tone: Tone; readonly label: string }>> = {
  pass: { tone: 'good', label: 'passed' },
  warn: { tone: 'warn', label: 'unconfirmed' },
  fail: { tone: 'bad', label: 'failed' },
};

/** What recomputing the digest of a file said, and how long ago. [U-21] */
export function verificationView(found: Verification | null, verifiedMs: number | null, nowMs: number): VerificationView {
  if (found === null) return { tone: 'idle', label: 'not verified', when: null, atMs: null, reason: null };
  const { tone, label } = RESULTS[found.result];
  return { tone, label, when: verifiedMs === null ? null : `${formatAge(nowMs - verifiedMs)} ago`, atMs: verifiedMs, reason: found.result === 'pass' ? null : found.reason };
}
