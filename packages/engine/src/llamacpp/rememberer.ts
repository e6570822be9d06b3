import type { Clock, Log } from '@corral/service-kit';
import { messageOf } from '../message-of.js';
import type { EngineProvider, EngineReplica, ReplicaSpec } from '../port.js';

/** From a load to the look at its file, so that the first answers have the cores. */
const DELAY_MS = 2_000;
/** Files that are looked at once in the life of a process. */
const LOOKED_AT_MAX = 1_024;

export interface RemembererOptions {
  readonly inspect: EngineProvider['inspect'];
  readonly clock: Clock;
  readonly log: Log;
}

/** Has files looked at that were loaded without a memory of them, so that the next load has one. [C-152] */
export class Rememberer {
  readonly #lookedAt = new Set<string>();
  #queue: Promise<void> = Promise.resolve();

  constructor(private readonly options: RemembererOptions) {}

  /** Once per file and kind of device, one after the other, and only while the replica is there. */
  later(spec: ReplicaSpec, replica: EngineReplica): void {
    const { digest, deviceKind, batchTokens } = spec;
    const key = `${digest}|${deviceKind}|${batchTokens}`;
    if (digest === null || this.#lookedAt.has(key) || this.#lookedAt.size >= LOOKED_AT_MAX) return;
    this.#lookedAt.add(key);
    const gone = new AbortController();
    void replica.exited.then(() => gone.abort());
    this.#queue = this.#queue.then(() => this.#look(spec, digest, gone.signal)).catch(() => void this.#lookedAt.delete(key));
  }

  async #look({ modelPath, deviceKind, deviceMask, batchTokens }: ReplicaSpec, digest: string, signal: AbortSignal): Promise<void> {
    await this.options.clock.sleep(DELAY_MS, signal);
    try {
      await this.options.inspect(modelPath, { deviceKind, deviceMask, batchTokens, digest, signal });
    } catch (error) {
      signal.throwIfAborted();
      this.options.log.debug('a model file could not be looked at again', { model_path: modelPath, error: messageOf(error) });
    }
  }
}
