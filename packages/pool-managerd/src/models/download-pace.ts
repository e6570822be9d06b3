import type { Clock } from '@corral/service-kit';
import type { PresenceProgress } from './present-model.js';

/** Bytes and time of a download, from what is told of its progress: waiting before it and hashing after it do not count. */
export class DownloadPace {
  #first: { readonly atMs: number; readonly bytes: number } | null = null;
  #last: { readonly atMs: number; readonly bytes: number } | null = null;

  constructor(private readonly clock: Clock) {}

  saw({ phase, bytes }: PresenceProgress): void {
    if (phase !== 'downloading') return;
    const now = { atMs: this.clock.monotonicMs(), bytes };
    // Another source begins anew.
    this.#first = this.#first === null || bytes < this.#first.bytes ? now : this.#first;
    this.#last = now;
  }

  get bytes(): number {
    return Math.max(0, (this.#last?.bytes ?? 0) - (this.#first?.bytes ?? 0));
  }

  get durationMs(): number {
    return (this.#last?.atMs ?? 0) - (this.#first?.atMs ?? 0);
  }
}
