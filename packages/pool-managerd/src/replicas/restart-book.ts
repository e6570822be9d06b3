import type { Replica } from './replica.js';
import { NO_FAILURES } from './restart-record.js';
import type { RestartRecord } from './restart-record.js';

const KEYS_MAX = 1_000;

/** What is known of the failures of models by replica key, for as long as the node runs: replicas come and go with what is wanted. The oldest are forgotten. */
export class RestartBook {
  readonly #records = new Map<string, RestartRecord>();

  get(key: string): RestartRecord {
    return this.#records.get(key) ?? NO_FAILURES;
  }

  /** Takes over what a replica knows, as it is or as it was when it went. */
  keep({ key, restart }: Replica): void {
    this.#records.delete(key);
    if (restart.last === null) return;
    this.#records.set(key, { ...restart, readySinceMs: null });
    const [oldest] = this.#records.keys();
    if (this.#records.size > KEYS_MAX && oldest !== undefined) this.#records.delete(oldest);
  }

  forget(isOf: (key: string) => boolean): void {
    for (const key of [...this.#records.keys()]) if (isOf(key)) this.#records.delete(key);
  }
}
