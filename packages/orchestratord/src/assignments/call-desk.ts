import { ApiError } from '@corral/contracts';
import { newId } from '@corral/service-kit';
import { instanceKeyOf, type InstanceRegistry } from '../instances/instance-registry.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { InstanceKey } from '../store/instance-rows.js';
import { LifecycleOrders, type Order } from './lifecycle-orders.js';
import { isStartup, orderToPlan } from './order-to-plan.js';
import type { OutboxRelay } from './outbox-relay.js';
import type { OrderToPlan, PassPlan } from './plan-pass.js';
import { PublishGuard, type Before } from './publish-guard.js';
import type { ResidencyLog } from './residency-log.js';
import { takeBackChanges } from './take-back.js';
import type { AppliedChange, WantedChange, WantedSet } from './wanted-set.js';

export interface CallDeskParts {
  readonly wanted: Pick<WantedSet, 'find' | 'apply' | 'release' | 'hold'>;
  readonly instances: Pick<InstanceRegistry, 'find'>;
  readonly models: Pick<ModelDirectory, 'specOf' | 'isRetired'>;
  readonly outbox: Pick<OutboxRelay, 'published' | 'refusal'>;
  readonly told: ResidencyLog;
  /** There is something to do. */
  poke(): void;
}

/** Loads, unloads and refreshes from the call to its answer: planned by the loop, committed by it, confirmed or taken back here. [C-206] */
export class CallDesk {
  readonly #orders = new LifecycleOrders();
  readonly #guard: PublishGuard;
  /** Calls whose instance was not resident since, by the number of the call. */
  readonly #asked = new Map<string, number>();

  constructor(private readonly parts: CallDeskParts) {
    this.#guard = new PublishGuard(
      (id) => parts.outbox.published(id),
      (order) => {
        if (order !== null) this.#orders.done(order);
        parts.poke();
      },
    );
  }

  /** Resolves or rejects with the answer of the call. */
  call(key: InstanceKey, what: Order['what'], correlationId: string): Promise<void> {
    const answer = this.#orders.add(key, what, correlationId === '' ? newId() : correlationId);
    this.parts.poke();
    return answer;
  }

  /** Whether a call for the instance waits for its publish: until then nothing else is decided about it. */
  isOpen(key: string): boolean {
    return this.#guard.isOpen(key);
  }

  /** The number of the call that asked for the instance and that it was not loaded for yet. */
  askedSeq(key: string): number | null {
    return this.#asked.get(key) ?? null;
  }

  /** It was loaded, or its load has failed: from now on it is restored like any other. */
  hadItsTurn(key: string): void {
    this.#asked.delete(key);
  }

  /** The calls of this pass that can be planned; the others are answered. */
  take(): readonly OrderToPlan[] {
    const { outbox, instances, models, wanted } = this.parts;
    return this.#orders.take().flatMap((order) => {
      const taken = orderToPlan(order, { record: instances.find(order.key), assignment: wanted.find(order.key), specOf: models.specOf, isRetired: models.isRetired, busRefusal: outbox.refusal() });
      if (taken.kind === 'refused') this.#orders.refuse(order, taken.error);
      if (taken.kind === 'nothing') this.#orders.done(order);
      return taken.kind === 'plan' ? [taken.one] : [];
    });
  }

  /** Answers what changes no assignment. */
  async answer(answers: PassPlan['answers']): Promise<void> {
    for (const { order, answer } of answers) {
      if (answer.kind === 'refused') this.#orders.refuse(order, answer.error);
      if (answer.kind === 'nothing') this.#orders.done(order);
      if (answer.kind !== 'held') continue;
      await this.parts.wanted.hold(order.key, answer.tier).then(
        () => this.#orders.done(order),
        (error: unknown) => this.#orders.refuse(order, error),
      );
    }
  }

  /** How the instances are before a commit. */
  before(changes: readonly WantedChange[]): ReadonlyMap<string, Before> {
    const { wanted, instances } = this.parts;
    return new Map(changes.map(({ instance: { orgId, instanceId } }) => {
      const key = { orgId, instanceId };
      return [instanceKeyOf(key), { key, assignment: wanted.find(key), heldTier: instances.find(key)?.heldTier ?? null }];
    }));
  }

  /** The changes of the calls are committed: each is answered when it is published. */
  committed({ answers, changes }: PassPlan, applied: readonly AppliedChange[], before: ReadonlyMap<string, Before>): void {
    for (const { order, answer, from, to } of answers) {
      if (answer.kind !== 'changes') continue;
      this.#noteTurn(order, changes.slice(from, to));
      const mine = applied.slice(from, to);
      const keys = new Set(mine.map(({ assignment }) => `${assignment.org_id}/${assignment.instance_id}`));
      if (isStartup(order.what)) this.#orders.done(order);
      else this.#guard.watch(order, mine, [...keys].flatMap((key) => before.get(key) ?? []));
    }
  }

  /** Nothing could be committed. */
  failed(orders: readonly OrderToPlan[], error: unknown): void {
    for (const { order } of orders) this.#orders.refuse(order, error);
  }

  /** What could not be published is as it was before. False when that could not be committed. */
  async takeBack(): Promise<boolean> {
    const { wanted, instances, outbox, told } = this.parts;
    for (const one of this.#guard.unpublished()) {
      const { changes, released } = takeBackChanges(one.written, wanted.find.bind(wanted));
      try {
        await wanted.release(released);
        await wanted.apply(changes.filter(({ instance }) => instances.find(instance) !== undefined));
      } catch (error) {
        told.notCommitted(error);
        return false;
      }
      this.#asked.delete(instanceKeyOf(one.order.key));
      this.#guard.close(one);
      const message = outbox.refusal() ?? 'the message broker did not confirm the event in time; see that it runs, or try again in a moment';
      this.#orders.refuse(one.order, new ApiError('EVENT_BUS_UNAVAILABLE', message, { retry_after_ms: 2_000 }));
    }
    return true;
  }

  close(): void {
    this.#orders.close();
  }

  #noteTurn({ key, what, seq }: Order, changes: readonly WantedChange[]): void {
    if (what.kind === 'refresh') return;
    if (what.kind === 'load' && what.source === 'api_load' && changes.at(-1)?.heldTier !== 'warm') this.#asked.set(instanceKeyOf(key), seq);
    else this.#asked.delete(instanceKeyOf(key));
  }
}
