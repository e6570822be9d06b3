import { messageOf } from '@corral/service-kit';
import type { Clock, Log } from '@corral/service-kit';
import type { NodeDirectory } from './node-view.js';

export interface CatalogNudgeOptions {
  readonly nodes: Pick<NodeDirectory, 'places' | 'clientFor'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Changes within this time are told as one. */
const JOIN_MS = 20;
const TIMEOUT_MS = 2_000;

/**
 * Tells online nodes at once that the intent of the catalog has changed; they come and ask. A node that does not hear of
 * it learns it from the answer to its next report. [G-19]
 */
export class CatalogNudge {
  readonly #stopped = new AbortController();
  #pending: Promise<void> | null = null;
  #isAgain = false;

  constructor(private readonly options: CatalogNudgeOptions) {}

  /** Something changed. Cheap; call it often. */
  readonly changed = (): void => {
    this.#isAgain = true;
    this.#pending ??= this.#run().finally(() => (this.#pending = null));
  };

  async close(): Promise<void> {
    this.#stopped.abort(new Error('the daemon stops'));
    await this.#pending;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#isAgain && !signal.aborted) {
      await this.options.clock.sleep(JOIN_MS, signal).catch(() => undefined);
      this.#isAgain = false;
      if (signal.aborted) return;
      const online = this.options.nodes.places().filter(({ online: isOnline }) => isOnline);
      await Promise.all(online.map(({ nodeId }) => this.#tell(nodeId)));
    }
  }

  async #tell(nodeId: string): Promise<void> {
    const client = this.options.nodes.clientFor(nodeId);
    await client?.exchange('POST', '/v2/catalog/sync', {}, { timeoutMs: TIMEOUT_MS, signal: this.#stopped.signal, idempotent: false }).catch((error: unknown) => {
      this.options.log.debug('node not told of the changed catalog', { node_id: nodeId, reason: messageOf(error) });
    });
  }
}
