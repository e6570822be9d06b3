import { encodeFrame, type Frame } from '@corral/contracts';

/** Whoever reads a task's stream. `write` answers false when it wants to be asked again after `resume`. */
export interface FrameReader {
  write(bytes: Uint8Array): boolean;
  end(): void;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly verboseOnly: boolean;
}

interface Cursor {
  readonly reader: FrameReader;
  readonly verbose: boolean;
  next: number;
  paused: boolean;
}

export interface Attachment {
  /** The reader takes bytes again. */
  resume(): void;
  detach(): void;
}

/**
 * Every frame of one task, from the first one on: it fills whether or not anyone listens, and each reader
 * goes through it at its own pace. Bounded: past `maxBytes` `append` answers false and keeps nothing more. [B-70]
 */
export class FrameLog {
  readonly #entries: Entry[] = [];
  readonly #cursors = new Set<Cursor>();
  #bytes = 0;
  #ended = false;

  constructor(private readonly maxBytes: number) {}

  get sizeBytes(): number {
    return this.#bytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get readers(): number {
    return this.#cursors.size;
  }

  /** Takes whole frames as bytes; after `end` it takes nothing. */
  append(bytes: Uint8Array, verboseOnly = false): boolean {
    if (this.#ended || this.#bytes + bytes.byteLength > this.maxBytes) return false;
    this.#entries.push({ bytes, verboseOnly });
    this.#bytes += bytes.byteLength;
    for (const cursor of this.#cursors) this.#advance(cursor);
    return true;
  }

  /** Appends a frame; readers that did not ask for verbose frames get it without its `human` sentence. */
  frame(frame: Frame): boolean {
    if (frame.type !== 'metrics' || frame.human === undefined) return this.append(encode(frame));
    const { human: _human, ...plain } = frame;
    const worthPlain = Object.keys(plain).length > 1;
    return (!worthPlain || this.append(encode(plain))) && this.append(encode({ type: 'metrics', human: frame.human }), true);
  }

  /** Writes the terminal frame past any limit: a reader must never wait for an end that does not come. */
  end(terminal: Frame | null): void {
    if (this.#ended) return;
    if (terminal !== null) this.#entries.push({ bytes: encode(terminal), verboseOnly: false });
    this.#ended = true;
    for (const cursor of this.#cursors) this.#advance(cursor);
  }

  attach(reader: FrameReader, verbose: boolean): Attachment {
    const cursor: Cursor = { reader, verbose, next: 0, paused: false };
    this.#cursors.add(cursor);
    this.#advance(cursor);
    return {
      resume: () => {
        cursor.paused = false;
        this.#advance(cursor);
      },
      detach: () => void this.#cursors.delete(cursor),
    };
  }

  #advance(cursor: Cursor): void {
    while (!cursor.paused && this.#cursors.has(cursor)) {
      const entry = this.#entries[cursor.next];
      if (entry === undefined) {
        if (!this.#ended) return;
        this.#cursors.delete(cursor);
        return cursor.reader.end();
      }
      cursor.next += 1;
      if (entry.verboseOnly && !cursor.verbose) continue;
      cursor.paused = !cursor.reader.write(entry.bytes);
    }
  }
}

function encode(frame: Frame): Uint8Array {
  return Buffer.from(encodeFrame(frame));
}
