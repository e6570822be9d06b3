import { Worker } from 'node:worker_threads';
import { digestFromHex } from '@corral/catalog-core';
import type { Digest } from '@corral/catalog-core';

/** What a copy read and wrote. */
export interface Copied {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** Bytes so far; a few times a second at most. */
  readonly onProgress: (copiedBytes: number) => void;
}

/** Blocks between the thread that copies and the one that hashes, and their bytes. */
const BLOCKS = 4;
const BLOCK_BYTES = 4 << 20;
/** Words of the shared control block: blocks filled, blocks hashed, then the bytes of each block. */
const WORDS = 2 + BLOCKS;

type CopyMessage = { readonly type: 'progress' | 'done'; readonly copiedBytes: number };

/**
 * Copies a file and computes the digest of what it read, in one pass: one thread reads and writes, one hashes what was
 * read, so that a hash costs no time where the disk is slower than it.
 *
 * `target` must not exist and is made private; whoever calls removes it when this rejects: with the system's error,
 * or with the signal's reason. Both threads are gone by then. [C-77 C-220]
 */
export async function copyVerified(source: string, target: string, { signal, onProgress }: CopyOptions): Promise<Copied> {
  signal.throwIfAborted();
  const shared = { source, target, blocks: new SharedArrayBuffer(BLOCKS * BLOCK_BYTES), control: new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT), blockBytes: BLOCK_BYTES, count: BLOCKS };
  // Functions are handed over as source: a thread needs a script of its own, and these have no imports.
  const copier = new Worker(`(${copyInThread.toString()})(require)`, { eval: true, workerData: shared });
  const hasher = new Worker(`(${hashInThread.toString()})(require)`, { eval: true, workerData: shared });
  let stop: () => void = () => undefined;
  const called = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    const copied = resultOf(copier, (message: CopyMessage) => {
      onProgress(message.copiedBytes);
      return message.type === 'done' ? message.copiedBytes : undefined;
    });
    const hex = resultOf(hasher, (message: string) => message);
    const [sizeBytes, digits] = await Promise.race([Promise.all([copied, hex]), called]);
    return { digest: digestFromHex(digits), sizeBytes };
  } finally {
    signal.removeEventListener('abort', stop);
    await Promise.all([copier.terminate(), hasher.terminate()]);
  }
}

/** The first message that is a result; rejects when the thread ends without one. */
function resultOf<Message, Result>(worker: Worker, read: (message: Message) => Result | undefined): Promise<Result> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: Message) => {
      const result = read(message);
      if (result !== undefined) resolve(result);
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('a thread of the copy ended without a result; it is tried again')));
  });
}

interface Shared {
  readonly source: string;
  readonly target: string;
  readonly blocks: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly blockBytes: number;
  readonly count: number;
}

/** Fills blocks from the source and writes them to the target. A block is filled again once it was hashed. An empty block is the end. */
function copyInThread(load: NodeJS.Require): void {
  const { parentPort, workerData } = load('node:worker_threads') as typeof import('node:worker_threads');
  const { closeSync, openSync, readSync, writeSync } = load('node:fs') as typeof import('node:fs');
  const { source, target, blocks, control, blockBytes, count } = workerData as Shared;
  const words = new Int32Array(control);
  const from = openSync(source, 'r');
  const to = openSync(target, 'wx', 0o600);
  let copiedBytes = 0;
  let reportAtMs = 0;
  for (let filled = 0; ; filled += 1) {
    for (let hashed = Atomics.load(words, 1); filled - hashed >= count; hashed = Atomics.load(words, 1)) Atomics.wait(words, 1, hashed);
    const at = filled % count;
    const block = new Uint8Array(blocks, at * blockBytes, blockBytes);
    const length = readSync(from, block, 0, blockBytes, null);
    words[2 + at] = length;
    Atomics.store(words, 0, filled + 1);
    Atomics.notify(words, 0);
    if (length === 0) break;
    for (let done = 0; done < length; ) done += writeSync(to, block, done, length - done);
    copiedBytes += length;
    if (performance.now() < reportAtMs) continue;
    reportAtMs = performance.now() + 200;
    parentPort?.postMessage({ type: 'progress', copiedBytes });
  }
  closeSync(from);
  closeSync(to);
  parentPort?.postMessage({ type: 'done', copiedBytes });
}

function hashInThread(load: NodeJS.Require): void {
  const { parentPort, workerData } = load('node:worker_threads') as typeof import('node:worker_threads');
  const { createHash } = load('node:crypto') as typeof import('node:crypto');
  const { blocks, control, blockBytes, count } = workerData as Shared;
  const words = new Int32Array(control);
  const hash = createHash('sha256');
  for (let hashed = 0; ; hashed += 1) {
    while (Atomics.load(words, 0) <= hashed) Atomics.wait(words, 0, hashed);
    const at = hashed % count;
    const length = words[2 + at] ?? 0;
    if (length === 0) break;
    hash.update(new Uint8Array(blocks, at * blockBytes, length));
    Atomics.store(words, 1, hashed + 1);
    Atomics.notify(words, 1);
  }
  parentPort?.postMessage(hash.digest('hex'));
}
