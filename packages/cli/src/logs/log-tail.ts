import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLogLine, passes, type LogFilter, type LogLine } from './log-line.js';

/** The most that is read of one file for the lines that are already there. */
const TAIL_BYTES = 16 * 1_048_576;
const CHUNK_BYTES = 256 * 1_024;
/** A longer line is passed over. */
const LINE_BYTES_MAX = 1_048_576;

interface Followed {
  handle: FileHandle;
  inode: number;
  offset: number;
  /** A line that has no newline yet. */
  rest: Buffer;
  /** Reading began inside a line, which is not shown. */
  isInsideLine: boolean;
}

/** Reads the log files of one folder: first what is there, then what is added, in the order of time. */
export class LogTail {
  readonly #files = new Map<string, Followed>();

  constructor(
    private readonly folder: string,
    private readonly filter: LogFilter,
  ) {}

  /** The newest `count` lines that pass, oldest first. Throws ENOENT when the folder does not exist. */
  async last(count: number): Promise<LogLine[]> {
    const lines = await this.#read((sizeBytes) => Math.max(0, sizeBytes - TAIL_BYTES));
    return count === 0 ? [] : lines.slice(-count);
  }

  /** What was added since the last call, also in files that were begun or moved away since. */
  next(): Promise<LogLine[]> {
    return this.#read(() => 0);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ handle }) => handle.close()));
    this.#files.clear();
  }

  async #read(startOf: (sizeBytes: number) => number): Promise<LogLine[]> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith('.jsonl'));
    const perFile = await Promise.all([...new Set([...names, ...this.#files.keys()])].map((name) => this.#readFile(name, startOf)));
    return perFile.flat().toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0));
  }

  /** A file that was moved away is read to its end before the one that took its name. */
  async #readFile(name: string, startOf: (sizeBytes: number) => number): Promise<LogLine[]> {
    const known = this.#files.get(name);
    const lines = known === undefined ? [] : await this.#drain(known);
    const current = await open(join(this.folder, name), 'r').catch(() => undefined);
    if (current === undefined) return lines;
    const { ino, size } = await current.stat();
    if (known?.inode === ino && size >= known.offset) {
      await current.close();
      return lines;
    }
    await known?.handle.close();
    const offset = known === undefined ? startOf(size) : 0;
    const followed: Followed = { handle: current, inode: ino, offset, rest: Buffer.alloc(0), isInsideLine: offset > 0 };
    this.#files.set(name, followed);
    return [...lines, ...(await this.#drain(followed))];
  }

  async #drain(file: Followed): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for (;;) {
      const { bytesRead, buffer } = await file.handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, file.offset);
      if (bytesRead === 0) return lines;
      file.offset += bytesRead;
      const whole = Buffer.concat([file.rest, buffer.subarray(0, bytesRead)]);
      const end = whole.lastIndexOf('\n') + 1;
      file.rest = whole.subarray(end);
      const texts = whole.toString('utf8', 0, end).split('\n');
      if (file.isInsideLine && end > 0) {
        texts.shift();
        file.isInsideLine = false;
      }
      if (file.rest.length > LINE_BYTES_MAX) {
        file.rest = Buffer.alloc(0);
        file.isInsideLine = true;
      }
      for (const raw of texts) {
        if (raw === '') continue;
        const line = parseLogLine(raw);
        if (passes(line, this.filter)) lines.push(line);
      }
    }
  }
}
