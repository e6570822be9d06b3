/** What may be shown after one more piece of text. */
export interface Released {
  readonly text: string;
  /** A stop string is complete: `text` ends before it and nothing may follow. */
  readonly stopped: boolean;
}

/**
 * Finds stop strings across the borders of pieces.
 *
 * Text that may be the start of a stop string is held back until it is one or cannot become one. What is
 * held is always shorter than the longest stop string. Where two stop strings match, the one that begins
 * first ends the text.
 */
export class StopMatcher {
  #held = '';

  constructor(private readonly stops: readonly string[]) {}

  push(piece: string): Released {
    if (this.stops.length === 0) return { text: piece, stopped: false };
    const text = this.#held + piece;
    const at = this.#firstStop(text);
    if (at !== -1) {
      this.#held = '';
      return { text: text.slice(0, at), stopped: true };
    }
    const keep = this.#longestStart(text);
    this.#held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep), stopped: false };
  }

  /** Gives out what is still held, when no more text comes. */
  flush(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  #firstStop(text: string): number {
    let first = -1;
    for (const stop of this.stops) {
      const at = text.indexOf(stop);
      if (at !== -1 && (first === -1 || at < first)) first = at;
    }
    return first;
  }

  /** Length of the longest end of `text` with which a stop string begins. */
  #longestStart(text: string): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length -= 1) {
        if (stop.startsWith(text.slice(text.length - length))) {
          longest = length;
          break;
        }
      }
    }
    return longest;
  }
}
