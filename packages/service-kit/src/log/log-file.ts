import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface LogFileOptions {
  /** The file is moved to `<path>.1` when it has grown past this. */
  readonly maxBytes?: number;
  /** `<path>.1` to `<path>.<keep>` are kept. */
  readonly keep?: number;
  /** Lines waiting for the disk; more are dropped and counted. */
  readonly maxPendingBytes?: number;
  /** Told once per spell of trouble, because the log itself cannot say it. */
  readonly onTrouble?: (problem: string) => void;
}

/**
 * Appends lines to a file without ever holding up or failing its caller: a full or slow disk costs lines, which
 * are counted, and the writing goes on when the disk does.
 */
export class LogFile {
  readonly #maxBytes: number;
  readonly #keep: number;
  readonly #maxPendingBytes: number;
  readonly #onTrouble: (problem: string) => void;
  #pending: string[] = [];
  #pendingBytes = 0;
  #dropped = 0;
  #inTrouble = false;
  #writing: Promise<void> | undefined;
  #file: { readonly handle: FileHandle; sizeBytes: number } | undefined;

  constructor(
    private readonly path: string,
    options: LogFileOptions = {},
  ) {
    this.#maxBytes = options.maxBytes ?? 64 * 1_048_576;
    this.#keep = options.keep ?? 3;
    this.#maxPendingBytes = options.maxPendingBytes ?? 8 * 1_048_576;
    this.#onTrouble = options.onTrouble ?? (() => {});
  }

  write(line: string): void {
    if (this.#pendingBytes + line.length > this.#maxPendingBytes) {
      this.#dropped += 1;
      return;
    }
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything that was written is on its way to the disk and the file is closed. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#closeFile();
  }

  async #drain(): Promise<void> {
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      await this.#append(lines);
    }
    this.#writing = undefined;
  }

  async #append(lines: readonly string[]): Promise<void> {
    try {
      const file = (this.#file ??= await this.#open());
      const text = this.#dropped === 0 ? lines.join('') : `${lines.join('')}${this.#droppedLine()}`;
      const bytes = Buffer.from(text);
      await file.handle.appendFile(bytes);
      file.sizeBytes += bytes.length;
      this.#dropped = 0;
      this.#inTrouble = false;
      if (file.sizeBytes > this.#maxBytes) await this.#rotate();
    } catch (error) {
      this.#dropped += lines.length;
      await this.#closeFile();
      if (!this.#inTrouble)
        this.#onTrouble(
          `cannot write ${this.path} (${(error as Error).message}); log lines are lost until that works: free space or fix its permissions`,
        );
      this.#inTrouble = true;
    }
  }

  #droppedLine(): string {
    return `${JSON.stringify({ level: 'warn', msg: 'log lines were lost', lost: this.#dropped })}\n`;
  }

  async #open(): Promise<{ handle: FileHandle; sizeBytes: number }> {
    await mkdir(dirname(this.path), { recursive: true });
    const handle = await open(this.path, 'a', 0o640);
    return { handle, sizeBytes: (await handle.stat()).size };
  }

  async #rotate(): Promise<void> {
    await this.#closeFile();
    for (let n = this.#keep - 1; n >= 0; n -= 1) {
      await rename(n === 0 ? this.path : `${this.path}.${n}`, `${this.path}.${n + 1}`).catch(ignoreMissing);
    }
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close().catch(() => {});
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
