import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeLog } from '../worker/worker-log.js';
import { decodePrefixHeader, encodePrefixHeader, type PrefixHeader, type PrefixIdentity } from './prefix-header.js';
import { replaceFile } from './replace-file.js';

const HEADER = /^slot-(\d{1,3})\.json$/;
/** Read and hashed without a break. */
const PIECE_BYTES = 4 * 1_024 * 1_024;
/** What has no header after so long belongs to nobody who is still writing. */
const STRAY_MS = 60_000;

/**
 * The kept prefixes of one replica: per slot a file with the engine's state, untouched, and a header of ours beside it.
 *
 * A file that does not match in anything is deleted and never shown to the engine, whose reader trusts what it reads. [C-244]
 */
export class PrefixFolder {
  constructor(
    readonly path: string,
    readonly identity: PrefixIdentity,
  ) {}

  /** Headers that match; what does not is deleted. Costs no look at the states. */
  list(): readonly PrefixHeader[] {
    const names = this.#names();
    const headers = names.filter((name) => HEADER.test(name)).flatMap((name) => this.#read(name) ?? []);
    const known = new Set(headers.flatMap(({ slot, file }) => [headerName(slot), file]));
    for (const name of names) if (!known.has(name) && this.#isStray(name)) this.#remove(name);
    return headers;
  }

  /** Whether the state is, to the last bit, the one that was saved. */
  async isWhole({ file, sizeBytes, sha256 }: PrefixHeader): Promise<boolean> {
    const path = this.stateOf(file);
    try {
      return statSync(path).size === sizeBytes && (await hashOf(path)) === sha256;
    } catch {
      return false;
    }
  }

  stateOf(file: string): string {
    return join(this.path, file);
  }

  /** Deletes a prefix and says why, unless another one has taken its place. */
  drop(header: PrefixHeader, reason: string): void {
    writeLog('warn', 'a kept prefix is not used', { slot: header.slot, tokens: header.tokens.length, reason, folder: this.path });
    this.#remove(header.file);
    if (this.#text(headerName(header.slot)) === encodePrefixHeader(header)) this.#remove(headerName(header.slot));
  }

  /**
   * Takes the header away for as long as the engine reads the state: should that end the process, nobody tries it again. Returns what puts
   * it back.
   */
  hide(header: PrefixHeader): () => void {
    this.#remove(headerName(header.slot));
    return () => void (existsSync(this.stateOf(header.file)) && !existsSync(join(this.path, headerName(header.slot))) && replaceFile(join(this.path, headerName(header.slot)), encodePrefixHeader(header)));
  }

  /** Keeps one prefix instead of what the slot had. `save` writes the state; its failure leaves the slot without one. */
  async write(of: Pick<PrefixHeader, 'slot' | 'scope' | 'tokens'>, save: (path: string) => Promise<void>): Promise<PrefixHeader> {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    const [before, temporary] = [this.#read(headerName(of.slot)), join(this.path, `slot-${of.slot}.tmp`)];
    this.#remove(headerName(of.slot));
    if (before !== null) this.#remove(before.file);
    try {
      await save(temporary);
      const sha256 = await hashOf(temporary);
      const header: PrefixHeader = { identity: this.identity, ...of, file: `slot-${of.slot}-${sha256.slice(0, 16)}.kv`, sizeBytes: statSync(temporary).size, sha256 };
      renameSync(temporary, this.stateOf(header.file));
      if (!replaceFile(join(this.path, headerName(of.slot)), encodePrefixHeader(header))) throw new Error('its header could not be written');
      return header;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  #read(name: string): PrefixHeader | null {
    const text = this.#text(name);
    if (text === null) return null;
    const decoded = decodePrefixHeader(text, this.identity);
    if (decoded.kind === 'header' && headerName(decoded.header.slot) === name && existsSync(this.stateOf(decoded.header.file))) return decoded.header;
    const reason = decoded.kind === 'unusable' ? decoded.reason : 'its state is missing';
    writeLog('warn', 'a kept prefix is not used', { header: name, reason, folder: this.path });
    this.#remove(name);
    return null;
  }

  #isStray(name: string): boolean {
    try {
      return Date.now() - statSync(join(this.path, name)).mtimeMs > STRAY_MS;
    } catch {
      return false;
    }
  }

  #names(): readonly string[] {
    try {
      return readdirSync(this.path);
    } catch {
      return [];
    }
  }

  #text(name: string): string | null {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch {
      return null;
    }
  }

  #remove(name: string): void {
    rmSync(join(this.path, name), { force: true, recursive: true });
  }
}

function headerName(slot: number): string {
  return `slot-${slot}.json`;
}

/** In pieces, between which others have their turn. The one thread of the pool may be in a decode, so nothing is asked of it. */
async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const bytes = readSync(file, piece);
      if (bytes === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytes));
      await nextTurn();
    }
  } finally {
    closeSync(file);
  }
}
