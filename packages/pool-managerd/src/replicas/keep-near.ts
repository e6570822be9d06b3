import type { Clock, Log } from '@corral/service-kit';
import type { LiveReplica } from './load-replica.js';
import { probeReplica } from './probe-replica.js';
import type { PrefixStore } from './prefix-store.js';
import type { Replica } from './replica.js';

export interface KeepNearLimits {
  /** Time for dropping a context. */
  readonly parkMs: number;
  /** Time for making one again. */
  readonly resumeMs: number;
  /** Time for the one token of the probe. */
  readonly probeMs: number;
  /** Time for writing prefixes before a replica leaves. */
  readonly saveMs: number;
}

export interface KeepNearPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: KeepNearLimits;
  /** `null` = prefixes are not kept. */
  readonly prefixes: PrefixStore | null;
}

/** A live replica and where its weights come from. */
export interface NearReplica {
  readonly live: LiveReplica;
  readonly isStaged: boolean;
  readonly prefixFolder: string | null;
}

/** Writes what the slots hold, within its time; whatever becomes of it, the replica goes on its way. [C-255] */
export async function savePrefixes(replica: Replica, { live, prefixFolder }: NearReplica, { clock, limits, prefixes }: KeepNearPorts): Promise<void> {
  if (prefixes === null || prefixFolder === null) return;
  await prefixes.save({ digest: replica.digest, path: prefixFolder, contextBytes: live.engine.info.memory.contextBytes }, (maxBytes) =>
    within(clock, limits.saveMs, 'prefixes were not written', (signal) => live.engine.savePrefixes({ maxBytes, signal })),
  );
}

/** Parks a replica that has drained; returns what it holds then. Rejects where it has to be ended instead. */
export async function parkReplica({ live, isStaged }: NearReplica, { clock, limits }: KeepNearPorts): Promise<number> {
  const { memory } = await within(clock, limits.parkMs, 'the context was not dropped', () => live.engine.park());
  // What is staged is counted by the staging area.
  return memory.ownBytes + (isStaged ? 0 : memory.mappedBytes);
}

/** Brings a parked replica back and asks it for one token, as after a load. [C-253] */
export async function resumeReplica(replica: Replica, { live }: NearReplica, { clock, limits }: KeepNearPorts): Promise<void> {
  await within(clock, limits.resumeMs, 'the context was not made', () => live.engine.resume());
  const gone = new AbortController();
  void live.engine.exited.then(() => gone.abort(new Error('the engine worker ended')));
  await probeReplica(live.client, replica.replicaId, { timeoutMs: limits.probeMs, signal: gone.signal });
}

async function within<T>(clock: Clock, limitMs: number, what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const [late, done] = [new AbortController(), new AbortController()];
  const limit = clock.sleep(limitMs, done.signal).then(
    () => {
      const error = new Error(`${what} within ${limitMs} ms`);
      late.abort(error);
      throw error;
    },
    () => new Promise<never>(() => undefined),
  );
  const running = work(late.signal);
  // It ends with the process at the latest.
  running.catch(() => undefined);
  try {
    return await Promise.race([running, limit]);
  } finally {
    done.abort();
  }
}
