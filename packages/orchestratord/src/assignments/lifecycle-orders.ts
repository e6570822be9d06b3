import { ApiError, type Tier } from '@corral/contracts';
import { instanceKeyOf } from '../instances/instance-registry.js';
import type { InstanceKey } from '../store/instance-rows.js';

/** What the API asks for one instance. */
export type OrderKind =
  | { readonly kind: 'load'; readonly tier: Tier; readonly source: 'api_load' | 'startup' }
  | { readonly kind: 'unload' }
  | { readonly kind: 'refresh' };

/** One or more equal calls for one instance, answered together. */
export interface Order {
  readonly key: InstanceKey;
  readonly what: OrderKind;
  /** Of the first of them. */
  readonly correlationId: string;
  /** Grows with every order. */
  readonly seq: number;
}

interface Queued extends Order {
  readonly calls: { resolve(): void; reject(error: unknown): void }[];
}

/**
 * Calls that the residency loop has not carried out yet. Equal calls that follow each other for one instance are one
 * order; different ones keep their order, so that a later unload wins over an earlier load. [E-10 C-66]
 */
export class LifecycleOrders {
  readonly #queues = new Map<string, Queued[]>();
  readonly #callsOf = new Map<number, Queued>();
  #seq = 0;
  #calls = 0;
  #closed = false;

  constructor(private readonly callsMax = 10_000) {}

  get length(): number {
    return this.#queues.size;
  }

  /** Resolves or rejects when the order is answered. */
  add(key: InstanceKey, what: OrderKind, correlationId: string): Promise<void> {
    if (this.#closed) return Promise.reject(stopping());
    if (this.#calls >= this.callsMax) return Promise.reject(new ApiError('ADMISSION_REJECT', `${this.callsMax} lifecycle calls wait already; send it again in a moment`, { retry_after_ms: 1_000, policy_label: 'lifecycle_calls' }));
    this.#calls += 1;
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(instanceKeyOf(key)) ?? [];
      const last = queue.at(-1);
      if (last !== undefined && isSame(last.what, what)) return void last.calls.push({ resolve, reject });
      this.#seq += 1;
      queue.push({ key, what, correlationId, seq: this.#seq, calls: [{ resolve, reject }] });
      this.#queues.set(instanceKeyOf(key), queue);
    });
  }

  /** Takes the first order of every instance, oldest first. */
  take(): readonly Order[] {
    const taken = [...this.#queues.values()].flatMap((queue) => queue.shift() ?? []);
    for (const [key, queue] of this.#queues) if (queue.length === 0) this.#queues.delete(key);
    for (const order of taken) this.#callsOf.set(order.seq, order);
    return taken.sort((a, b) => a.seq - b.seq);
  }

  done({ seq }: Order): void {
    for (const { resolve } of this.#settle(seq)) resolve();
  }

  refuse({ seq }: Order, error: unknown): void {
    for (const { reject } of this.#settle(seq)) reject(error);
  }

  /** Refuses what waits and whatever comes; what was committed and not confirmed stays as it is, and goes out after the next start. */
  close(): void {
    this.#closed = true;
    for (const order of [...this.#callsOf.values()]) this.refuse(order, new ApiError('SHUTTING_DOWN', 'the server stops before the event was confirmed; look at the instance before you send the call again', { retry_after_ms: 2_000 }));
    while (this.#queues.size > 0) for (const order of this.take()) this.refuse(order, stopping());
  }

  #settle(seq: number): Queued['calls'] {
    const calls = this.#callsOf.get(seq)?.calls ?? [];
    this.#callsOf.delete(seq);
    this.#calls -= calls.length;
    return calls;
  }
}

function isSame(a: OrderKind, b: OrderKind): boolean {
  return a.kind === b.kind && (a.kind !== 'load' || b.kind !== 'load' || (a.tier === b.tier && a.source === b.source));
}

function stopping(): ApiError {
  return new ApiError('SHUTTING_DOWN', 'the server is stopping; send the request again in a moment', { retry_after_ms: 2_000 });
}
