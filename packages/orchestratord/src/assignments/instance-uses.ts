import { instanceKeyOf } from '../instances/instance-registry.js';
import type { InstanceKey, InstanceRecord } from '../store/instance-rows.js';

/** How often uses are written down: after a restart an instance counts as used up to this much earlier than it was. */
const WRITE_EVERY_MS = 30_000;
const INSTANCES_MAX = 100_000;

/** When instances were last used, on the monotonic clock; what runs or waits is used at this moment. [C-65] */
export class InstanceUses {
  readonly #lastMs = new Map<string, number>();
  readonly #unwritten = new Map<string, InstanceKey>();
  #active: ReadonlyMap<string, InstanceKey> = new Map();
  #writtenAtMs = Number.NEGATIVE_INFINITY;

  /** What an earlier run wrote down. `monotonicMs` is what to add to Unix milliseconds. */
  restore(records: readonly InstanceRecord[], monotonicMs: number): void {
    for (const record of records) if (record.lastUsedAtMs !== null) this.#lastMs.set(instanceKeyOf(record), record.lastUsedAtMs + monotonicMs);
  }

  /** Replaces what is known of instances with requests that run or wait. */
  observe(active: readonly InstanceKey[], nowMs: number): void {
    const now = new Map(active.map((key) => [instanceKeyOf(key), key]));
    for (const [, key] of this.#active) this.touch(key, nowMs);
    for (const [, key] of now) this.touch(key, nowMs);
    this.#active = now;
  }

  isActive(key: string): boolean {
    return this.#active.has(key);
  }

  touch(key: InstanceKey, nowMs: number): void {
    const text = instanceKeyOf(key);
    this.#lastMs.delete(text);
    this.#lastMs.set(text, nowMs);
    this.#unwritten.set(text, key);
    const oldest = this.#lastMs.keys().next();
    if (this.#lastMs.size > INSTANCES_MAX && oldest.done !== true) this.#forget(oldest.value);
  }

  /** Monotonic milliseconds; one that is not known counts as used at this moment, from which its time begins. */
  lastMs(key: string, nowMs: number): number {
    if (this.#active.has(key)) return nowMs;
    const known = this.#lastMs.get(key);
    if (known === undefined) this.#lastMs.set(key, nowMs);
    return known ?? nowMs;
  }

  /** What is to be written down now; empty while it is too early. */
  due(nowMs: number, unixMs: number): readonly (InstanceKey & { readonly lastUsedAtMs: number })[] {
    if (this.#unwritten.size === 0 || nowMs - this.#writtenAtMs < WRITE_EVERY_MS) return [];
    return this.all(nowMs, unixMs);
  }

  /** As {@link due}, however early it is: for a daemon that stops. Counts as written. */
  all(nowMs: number, unixMs: number): readonly (InstanceKey & { readonly lastUsedAtMs: number })[] {
    this.#writtenAtMs = nowMs;
    const uses = [...this.#unwritten].map(([text, { orgId, instanceId }]) => ({ orgId, instanceId, lastUsedAtMs: Math.round(unixMs - nowMs + this.lastMs(text, nowMs)) }));
    this.#unwritten.clear();
    return uses;
  }

  #forget(key: string): void {
    this.#lastMs.delete(key);
    this.#unwritten.delete(key);
  }
}
