import { constants } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '@corral/catalog-core';
import { messageOf, SerialQueue, writeFileAtomic } from '@corral/service-kit';
import { asDiskFull } from '../disk-space.js';
import { ProvisionError } from '../provision-error.js';
import { addRange, coveredBytes, missingRanges } from './byte-ranges.js';
import type { ByteRange } from './byte-ranges.js';
import type { Validator } from './file-facts.js';
import { decodeSidecar, encodeSidecar } from './sidecar.js';

/** What an unfinished file is of, and how often what came is made durable. */
export interface PartialOptions {
  readonly origin: string;
  readonly promised: Digest | null;
  readonly checkpointBytes: number;
}

/** What must be known of a file before parts of it can be asked for. */
export interface KnownFile {
  readonly sizeBytes: number;
  readonly validator: Validator;
}

/** One operation for each connection, and room for the end. */
const MAX_QUEUED = 64;

/**
 * A file that comes in parts, in any order. Its sidecar never says more than what is on the disk: bytes are synced
 * first. Without a sidecar that fits, what an earlier fetch left is worth nothing. [D-50 D-51 D-53]
 */
export class PartialFile {
  #known: KnownFile | null;
  #ranges: readonly ByteRange[];
  #unsavedBytes = 0;
  readonly #queue = new SerialQueue(MAX_QUEUED);

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly options: PartialOptions,
    found: (KnownFile & { readonly ranges: readonly ByteRange[] }) | null,
  ) {
    this.#known = found;
    this.#ranges = found?.ranges ?? [];
  }

  static async open(folder: string, options: PartialOptions): Promise<PartialFile> {
    const { origin, promised } = options;
    const path = join(folder, 'file');
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      const sidecar = decodeSidecar(await readFile(sidecarOf(path), 'utf8').catch(() => ''));
      const { size } = await handle.stat();
      const fits =
        sidecar !== null &&
        sidecar.origin === origin &&
        (sidecar.promised === null || promised === null || sidecar.promised === promised) &&
        size >= (sidecar.ranges.at(-1)?.end ?? 0);
      return new PartialFile(path, handle, options, fits ? sidecar : null);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** `null` while parts cannot be asked for. */
  get known(): KnownFile | null {
    return this.#known;
  }

  get coveredBytes(): number {
    return coveredBytes(this.#ranges);
  }

  /** Empty when nothing is known of the file. */
  get missing(): readonly ByteRange[] {
    return this.#known === null ? [] : missingRanges(this.#ranges, this.#known.sizeBytes);
  }

  /** Forgets every byte. `known`: the file that now begins, if it can be resumed. */
  async begin(known: KnownFile | null): Promise<void> {
    await this.#queue.run(async () => {
      this.#known = known;
      this.#ranges = [];
      this.#unsavedBytes = 0;
      try {
        // The sidecar goes first: it must not speak of bytes that are gone.
        if (known === null) await rm(sidecarOf(this.path), { force: true });
        else await this.#save();
        await this.handle.truncate(0);
      } catch (error) {
        throw await this.#writeFailed(error);
      }
    });
  }

  /** Writes bytes at their place, and makes what came durable now and then. */
  async write(at: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, at + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw await this.#writeFailed(error);
    }
    this.#ranges = addRange(this.#ranges, { start: at, end: at + bytes.length });
    this.#unsavedBytes += bytes.length;
    if (this.#unsavedBytes >= this.options.checkpointBytes) await this.checkpoint();
  }

  /** Makes what came durable. Concurrent calls end together. */
  async checkpoint(): Promise<void> {
    if (this.#unsavedBytes === 0) return;
    this.#unsavedBytes = 0;
    await this.#queue.run(async () => {
      try {
        await this.#save();
      } catch (error) {
        throw await this.#writeFailed(error);
      }
    });
  }

  /** Cuts the file to its size, makes it durable and closes it. */
  async finish(sizeBytes: number): Promise<void> {
    try {
      await this.#queue.idle();
      await this.handle.truncate(sizeBytes);
      await this.handle.sync();
      if (this.#known !== null) await this.#save();
    } catch (error) {
      throw await this.#writeFailed(error);
    }
    await this.handle.close();
  }

  /** Closes an unfinished file. Returns whether a later fetch can go on with it. */
  async leave(): Promise<boolean> {
    try {
      await this.checkpoint();
      await this.#queue.idle();
      return this.#known !== null && this.#ranges.length > 0;
    } catch {
      return false;
    } finally {
      await this.handle.close();
    }
  }

  async #save(): Promise<void> {
    const { origin, promised } = this.options;
    const ranges = this.#ranges;
    if (this.#known === null) return;
    await this.handle.datasync();
    await writeFileAtomic(sidecarOf(this.path), encodeSidecar({ origin, promised, ...this.#known, ranges }));
  }

  async #writeFailed(error: unknown): Promise<ProvisionError> {
    const missingBytes = this.#known === null ? null : this.#known.sizeBytes - this.coveredBytes;
    return (
      (await asDiskFull(error, dirname(this.path), missingBytes)) ??
      new ProvisionError('FETCH_FAILED', `${this.path} could not be written: ${messageOf(error)}; mend the disk or its permissions, then try again`, {
        cause: error,
      })
    );
  }
}

function sidecarOf(path: string): string {
  return `${path}.json`;
}
