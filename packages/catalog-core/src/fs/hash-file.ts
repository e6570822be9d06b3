import { Worker } from 'node:worker_threads';
import { digestFromHex } from '../digest.js';
import type { Digest } from '../digest.js';

/** How far a hash has come; called at most once per 64 MiB and once at the end. */
export type HashProgress = (hashedBytes: number) => void;

type WorkerMessage = { readonly type: 'progress'; readonly hashedBytes: number } | { readonly type: 'done'; readonly hex: string };

/**
 * Computes the digest of a file in a worker thread, so that a model of many gigabytes delays nothing else in the process.
 *
 * Rejects with the system's error when the file cannot be read, with the signal's reason when it aborts; the
 * thread is gone by then.
 */
export async function hashFile(
  path: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: HashProgress } = {},
): Promise<Digest> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  // The function is handed over as source: a thread needs a script of its own, and this one has no imports.
  const worker = new Worker(`(${hashInWorker.toString()})(require)`, { eval: true, workerData: path });
  let stop: () => void = () => undefined;
  try {
    const hex = await new Promise<string>((resolve, reject) => {
      stop = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', stop, { once: true });
      worker.on('message', (message: WorkerMessage) => {
        if (message.type === 'done') resolve(message.hex);
        else onProgress?.(message.hashedBytes);
      });
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error(`hashing ${path} ended without a result; try again`)));
    });
    return digestFromHex(hex);
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.terminate();
  }
}

function hashInWorker(load: NodeJS.Require): void {
  const { parentPort, workerData } = load('node:worker_threads') as typeof import('node:worker_threads');
  const { createHash } = load('node:crypto') as typeof import('node:crypto');
  const { closeSync, openSync, readSync } = load('node:fs') as typeof import('node:fs');
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(1 << 20);
  const file = openSync(workerData as string, 'r');
  let hashedBytes = 0;
  let reportAt = 1 << 26;
  for (let length = readSync(file, block); length > 0; length = readSync(file, block)) {
    hash.update(block.subarray(0, length));
    hashedBytes += length;
    if (hashedBytes < reportAt) continue;
    reportAt = hashedBytes + (1 << 26);
    parentPort?.postMessage({ type: 'progress', hashedBytes });
  }
  closeSync(file);
  parentPort?.postMessage({ type: 'progress', hashedBytes });
  parentPort?.postMessage({ type: 'done', hex: hash.digest('hex') });
}
