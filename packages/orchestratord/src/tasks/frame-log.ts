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

/** What one entry costs beside its bytes. */
const ENTRY_BYTES = 256;
/** A reader that comes late gets pieces of about this size. */
const PIECE_BYTES = 65_536;

/**
 * Every frame of one task, from the first one on: it fills whether or not anyone listens, and each reader
 * goes through it at its own pace. Bounded: past `maxBytes` `append` answers false and keeps nothing more. Once it has
 * ended and nobody reads, it is kept in as few pieces as can be. [B-70 A-157]
 */
export class FrameLog {
  #entries: Entry[] = [];
  readonly #cursors = new Set<Cursor>();
  #bytes = 0;
  #ended = false;

  constructor(private readonly maxBytes: number) {}

  /** What it holds in memory. */
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
    const sizeBytes = bytes.byteLength + ENTRY_BYTES;
    if (this.#ended || this.#bytes + sizeBytes > this.maxBytes) return false;
    this.#entries.push({ bytes, verboseOnly });
    this.#bytes += sizeBytes;
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
    this.#compact();
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
      detach: () => {
        this.#cursors.delete(cursor);
        this.#compact();
      },
    };
  }

  #advance(cursor: Cursor): void {
    while (!cursor.paused && this.#cursors.has(cursor)) {
      const entry = this.#entries[cursor.next];
      if (entry === undefined) {
        if (!this.#ended) return;
        this.#cursors.delete(cursor);
        this.#compact();
        return cursor.reader.end();
      }
      cursor.next += 1;
      if (entry.verboseOnly && !cursor.verbose) continue;
      cursor.paused = !cursor.reader.write(entry.bytes);
    }
  }

  /** Copies what belongs together into one piece; a cursor counts pieces, so none may be under way. */
  #compact(): void {
    if (!this.#ended || this.#cursors.size > 0) return;
    this.#entries = runsOf(this.#entries).map((run) => ({ bytes: joined(run), verboseOnly: run[0]?.verboseOnly === true }));
    this.#bytes = this.#entries.reduce((sum, { bytes }) => sum + bytes.byteLength + ENTRY_BYTES, 0);
  }
}

function runsOf(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const runs: Entry[][] = [];
  let runBytes = 0;
  for (const entry of entries) {
    const run = runs.at(-1);
    if (run?.[0]?.verboseOnly === entry.verboseOnly && runBytes < PIECE_BYTES) run.push(entry);
    else runs.push([entry]);
    runBytes = (runs.at(-1)?.length === 1 ? 0 : runBytes) + entry.bytes.byteLength;
  }
  return runs;
}

/** A copy of its own, since a piece of a large buffer would keep all of that. */
function joined(run: readonly Entry[]): Uint8Array {
  const copy = new Uint8Array(run.reduce((sum, { bytes }) => sum + bytes.byteLength, 0));
  let at = 0;
  for (const { bytes } of run) {
    copy.set(bytes, at);
    at += bytes.byteLength;
  }
  return copy;
}

function encode(frame: Frame): Uint8Array {
  return Buffer.from(encodeFrame(frame));
}
