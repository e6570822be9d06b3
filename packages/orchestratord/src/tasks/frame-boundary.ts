const EMPTY = new Uint8Array(0);
const LF = 0x0a;

/**
 * Splits a byte stream where frames end, so that a stream cut in the middle of a frame can still be closed
 * with a whole one. Looks only at the end of each chunk; bytes are neither parsed nor copied unless a frame
 * straddles two chunks.
 */
export class FrameBoundary {
  #held: Uint8Array = EMPTY;

  /** Returns the bytes up to the last frame end; the rest waits for the next call. */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.byteLength === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = lastFrameEnd(bytes);
    this.#held = end === bytes.byteLength ? EMPTY : bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  /** What is left when the stream ended by itself. */
  rest(): Uint8Array {
    const rest = this.#held;
    this.#held = EMPTY;
    return rest;
  }
}

function lastFrameEnd(bytes: Uint8Array): number {
  for (let at = bytes.byteLength - 1; at > 0; at -= 1) {
    if (bytes[at] === LF && bytes[at - 1] === LF) return at + 1;
  }
  return 0;
}
