import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SerialQueue, writeFileAtomic } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';
import type { ReplicaChange } from './replica-set-options.js';
import type { Replica } from './replica.js';

const JOBS_MAX = 10_000;

/**
 * One file for each replica that may be sent work, for scripts and people on this machine: it is there while the replica is
 * ready, and names its process and socket. Nothing of ours reads it. [G-41]
 */
export class ReadinessRecords {
  readonly #jobs = new SerialQueue(JOBS_MAX);

  private constructor(
    private readonly folder: string,
    private readonly log: Log,
  ) {}

  /** Removes what an earlier process left behind. */
  static async open(folder: string, log: Log): Promise<ReadinessRecords> {
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    return new ReadinessRecords(folder, log);
  }

  /** Takes a change of a replica. Never throws; a file that cannot be written is a line in the log and nothing more. */
  take({ from, to }: ReplicaChange): void {
    const [before, after] = [isReady(from), isReady(to)];
    if (before === after) return;
    const replica = to ?? from;
    if (replica === null) return;
    const path = join(this.folder, `${replica.replicaId}.json`);
    const job = after && to !== null ? () => writeFileAtomic(path, recordOf(to)) : () => rm(path, { force: true });
    this.#jobs.run(job).catch((error: unknown) => this.log.warn('readiness record not kept', { replica_id: replica.replicaId, path, error }));
  }

  /** Resolves when everything that was taken is on disk. */
  async close(): Promise<void> {
    await this.#jobs.idle();
  }
}

function isReady(replica: Replica | null): boolean {
  return replica?.phase.state === 'resident';
}

function recordOf({ replicaId, poolId, modelId, digest, phase }: Replica): string {
  const { pid, socketPath, readyAtMs } = phase.state === 'resident' ? phase : { pid: 0, socketPath: '', readyAtMs: 0 };
  return `${JSON.stringify({ replica_id: replicaId, pool_id: poolId, model_id: modelId, digest, pid, socket: socketPath, ready_since_ms: Math.round(readyAtMs) }, null, 1)}\n`;
}
