const BLANK_LINE = Buffer.from('\n\n');
const NEWLINE = 10;

/** Counts the events of a stream by their blank lines, over chunk borders, without copying or parsing. */
export class FrameCounter {
  #frames = 0;
  #endsInNewline = false;
  #atBoundary = true;

  get frames(): number {
    return this.#frames;
  }

  /** Whether nothing of an unfinished event has passed, so that a comment may be put in between. */
  get atBoundary(): boolean {
    return this.#atBoundary;
  }

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    let from = 0;
    if (this.#endsInNewline && chunk[0] === NEWLINE) {
      this.#frames += 1;
      from = 1;
    }
    for (let at = chunk.indexOf(BLANK_LINE, from); at !== -1; at = chunk.indexOf(BLANK_LINE, from)) {
      this.#frames += 1;
      from = at + BLANK_LINE.length;
    }
    this.#atBoundary = from === chunk.length;
    this.#endsInNewline = !this.#atBoundary && chunk[chunk.length - 1] === NEWLINE;
  }
}
