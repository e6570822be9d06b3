import type { Assignment, Tier } from '@corral/contracts';
import type { InstanceKey } from '../store/instance-rows.js';
import { instanceKeyOf } from '../instances/instance-registry.js';
import type { Order } from './lifecycle-orders.js';
import type { Published } from './publish-waiters.js';
import type { AppliedChange } from './wanted-set.js';

/** How an instance was before anything of an order was committed. */
export interface Before {
  readonly key: InstanceKey;
  readonly assignment: Assignment | undefined;
  readonly heldTier: Tier | null;
}

/** An order whose commands could not be published. */
export interface Unpublished {
  readonly order: Order;
  /** Generations that the order wrote, by instance, with what to go back to. */
  readonly written: readonly { readonly generation: number; readonly before: Before }[];
}

interface Open {
  before: Before;
  orders: number;
}

/**
 * Orders that are committed and not confirmed yet, and what to go back to where they cannot be published. Where several
 * are open for one instance, that is the state before the first of them. [E-08]
 */
export class PublishGuard {
  readonly #open = new Map<string, Open>();
  #unpublished: { readonly order: Order; readonly generations: ReadonlyMap<string, number> }[] = [];

  constructor(
    private readonly published: (commandId: number) => Promise<Published>,
    private readonly settled: (order: Order | null) => void,
  ) {}

  /** Whether a call for the instance waits for its publish: until then nothing else is decided about it. */
  isOpen(key: string): boolean {
    return this.#open.has(key);
  }

  /** Waits for the commands of an order; calls `settled` with the order when they are out, with `null` when they are not. */
  watch(order: Order, applied: readonly AppliedChange[], before: readonly Before[]): void {
    const generations = new Map(applied.map(({ assignment }) => [`${assignment.org_id}/${assignment.instance_id}`, assignment.generation]));
    for (const one of before) {
      const open = this.#open.get(instanceKeyOf(one.key)) ?? { before: one, orders: 0 };
      open.orders += 1;
      this.#open.set(instanceKeyOf(one.key), open);
    }
    const outcomes = applied.flatMap(({ commandIds }) => commandIds).map((id) => this.published(id).catch((): Published => 'unavailable'));
    void Promise.all(outcomes).then((all) => {
      if (all.includes('unavailable')) {
        this.#unpublished.push({ order, generations });
        return this.settled(null);
      }
      for (const one of applied) this.#confirm(one);
      this.settled(order);
    });
  }

  /** Orders that must be taken back. Call {@link close} for each when that is done. */
  unpublished(): readonly Unpublished[] {
    return this.#unpublished.map(({ order, generations }) => ({
      order,
      written: [...generations].flatMap(([key, generation]) => {
        const before = this.#open.get(key)?.before;
        return before === undefined ? [] : [{ generation, before }];
      }),
    }));
  }

  close({ order, written }: Unpublished): void {
    this.#unpublished = this.#unpublished.filter((one) => one.order !== order);
    for (const { before } of written) this.#less(instanceKeyOf(before.key));
  }

  /** What was confirmed is what a later order that is still open goes back to. */
  #confirm({ assignment, heldTier }: AppliedChange): void {
    const text = `${assignment.org_id}/${assignment.instance_id}`;
    const open = this.#open.get(text);
    if (open === undefined) return;
    open.before = { ...open.before, assignment, heldTier };
    this.#less(text);
  }

  #less(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    open.orders -= 1;
    if (open.orders <= 0) this.#open.delete(key);
  }
}
