import type { Clock } from '@corral/service-kit';
import type { ProvisionProgress } from './fetcher.js';

const EVERY_MS = 100;

/** Passes on every first report of a phase and every finished one; of those in between, a few per second. */
export function throttleProgress(pass: (progress: ProvisionProgress) => void, clock: Clock): (progress: ProvisionProgress) => void {
  let last: ProvisionProgress | null = null;
  let passedAtMs = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const isNew = last?.phase !== progress.phase || last.source !== progress.source;
    const isDone = progress.bytes === progress.totalBytes;
    if (!isNew && !isDone && clock.monotonicMs() - passedAtMs < EVERY_MS) return;
    last = progress;
    passedAtMs = clock.monotonicMs();
    pass(progress);
  };
}
