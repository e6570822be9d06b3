import type { ByteRange } from './byte-ranges.js';

/** What one connection is to bring. Both ends move: `at` as bytes come, `end` when another connection takes over the rest. */
export interface Segment {
  at: number;
  end: number;
}

/**
 * Divides the missing bytes among connections: each takes an open range, and when none is open, the second half of
 * what the slowest has before it. No byte is given to two.
 */
export class Segments {
  readonly #open: ByteRange[];
  readonly #taken = new Set<Segment>();

  constructor(
    missing: readonly ByteRange[],
    private readonly leastBytes: number,
  ) {
    this.#open = [...missing];
  }

  /** `null` when nothing is left that is worth a connection of its own. */
  take(): Segment | null {
    const range = this.#open.shift() ?? this.#half();
    if (range === null) return null;
    const segment = { at: range.start, end: range.end };
    this.#taken.add(segment);
    return segment;
  }

  /** Gives a segment back; what it did not bring is open again. */
  release(segment: Segment): void {
    if (!this.#taken.delete(segment) || segment.at >= segment.end) return;
    this.#open.unshift({ start: segment.at, end: segment.end });
  }

  #half(): ByteRange | null {
    const largest = [...this.#taken].reduce<Segment | null>((best, one) => (best === null || left(one) > left(best) ? one : best), null);
    if (largest === null || left(largest) < 2 * this.leastBytes) return null;
    const end = largest.end;
    largest.end = largest.at + Math.ceil(left(largest) / 2);
    return { start: largest.end, end };
  }
}

function left({ at, end }: Segment): number {
  return end - at;
}
