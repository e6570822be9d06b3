import type { ModelSpec, Tier } from '@corral/contracts';
import { answerOrder, type OrderAnswer } from './answer-order.js';
import type { Order } from './lifecycle-orders.js';
import { changesOf, type ChangeContext, type Draft, type PlannedWish } from './plan-changes.js';
import { planWishes } from './plan-wishes.js';
import type { Wish } from './residency-input.js';
import { isAttached, type WorldLook } from './residency-world.js';
import { withStaging } from './staging-changes.js';
import { beyondCeiling, ceilingChanges, idleChanges, type TierSources } from './tier-changes.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { WantedChange } from './wanted-set.js';

/** A call that is carried out in this pass. */
export interface OrderToPlan {
  readonly order: Order;
  readonly record: InstanceRecord;
  readonly model: ModelSpec;
  /** `null` where it is not to become resident. */
  readonly wish: Wish | null;
}

/** Everything that a pass decides by. Times are monotonic milliseconds. */
export interface PassInput {
  readonly world: WorldLook;
  readonly nowMs: number;
  readonly orders: readonly OrderToPlan[];
  /** What tasks wait for, then what loads hold; without what has just failed. */
  readonly wishes: readonly Wish[];
  /** What becomes of loads that have failed. */
  readonly withdrawn: readonly WantedChange[];
  /** Models that the manifest pins. */
  readonly pinned: readonly ModelSpec[];
  readonly tiers: Omit<TierSources, 'views'>;
  readonly hotCeiling: number | null;
  readonly quantumMs: number;
  isBlocked(modelKey: string): boolean;
  /** A fetch that was ordered a moment ago is not ordered again. */
  isRefetch(planned: PlannedWish): boolean;
}

export interface PassPlan {
  readonly planned: readonly PlannedWish[];
  /** In order: what each call changes, then the rest. */
  readonly changes: readonly WantedChange[];
  readonly answers: readonly { readonly order: Order; readonly answer: OrderAnswer; readonly from: number; readonly to: number }[];
  /** Plans that order something. */
  readonly due: readonly PlannedWish[];
  /** When an instance's time to live ends; `null` when none passes. */
  readonly nextIdleMs: number | null;
}

/** Decides what one look at everything changes: calls first, then what tasks and loads want, time, ceiling, and what rests in RAM. Pure. */
export function planPass(input: PassInput): PassPlan {
  const { world, orders, hotCeiling, nowMs, quantumMs } = input;
  const called = new Set(orders.map(({ record }) => `${record.orgId}/${record.instanceId}`));
  const tiers: TierSources = { ...input.tiers, views: world.views };
  const standing = input.wishes.filter(({ demand, source }) => source === 'demand' || !called.has(keyOf(demand.instance)));
  // A server that runs by itself has it already.
  const attached = new Set(orders.flatMap(({ wish }) => (wish !== null && isAttached(world, wish.demand) ? [wish] : [])));
  const asked = orders.flatMap(({ wish }) => (wish === null || attached.has(wish) ? [] : [wish]));
  const beyond = beyondCeiling(tiers, [...asked, ...standing], hotCeiling);
  const plans = planWishes([...asked, ...standing.filter(({ demand, source }) => source === 'demand' || !beyond.has(keyOf(demand.instance)))], world, quantumMs);

  const context: ChangeContext = { world, quantumMs, heldTierOf: ({ orgId, instanceId }): Tier | null => input.tiers.recordOf(`${orgId}/${instanceId}`)?.heldTier ?? null };
  const planOf = new Map(plans.map((one) => [one.wish, one]));
  let at = 0;
  const answers = orders.map(({ order, record, model, wish }) => {
    const key = `${record.orgId}/${record.instanceId}`;
    const answer = answerOrder({ order, record, model, world, context, planned: wish === null ? null : (planOf.get(wish) ?? null), isOverCeiling: beyond.has(key), isAttached: wish !== null && attached.has(wish) });
    const from = at;
    at += answer.kind === 'changes' ? answer.changes.length : 0;
    return { order, answer, from, to: at };
  });
  const refused = new Set(orders.filter((_, n) => answers[n]?.answer.kind === 'refused').map(({ wish }) => wish));
  // What was refused is wanted no longer.
  const planned = plans.filter(({ wish }) => !refused.has(wish));
  const answered = answers.flatMap(({ answer }) => (answer.kind === 'changes' ? answer.changes : []));

  const idle = idleChanges(tiers, nowMs);
  const made = planned.filter(({ wish }) => !asked.includes(wish)).map((one) => {
    const changes = input.isRefetch(one) ? [] : changesOf(one, context);
    // What a call decides about stands for this pass; whoever needs its place is planned again after it.
    return { one, changes: changes.some(({ instance }) => called.has(keyOf(instance))) ? [] : changes };
  });
  const others = [...input.withdrawn, ...idle.changes, ...ceilingChanges(tiers, beyond, hotCeiling)].filter(({ instance }) => !called.has(keyOf(instance)));
  const drafts = [...answered, ...distinct([...others, ...made.flatMap((each) => each.changes)])];
  const changes = withStaging({ world, drafts, planned, pinned: input.pinned, recordOf: input.tiers.recordOf, lastUsedMs: input.tiers.lastUsedMs, isBlocked: input.isBlocked });
  const due = [...planned.filter(({ wish }) => asked.includes(wish)), ...made.filter((each) => each.changes.length > 0).map(({ one }) => one)];
  return { planned, changes, answers, due, nextIdleMs: idle.nextMs };
}

/** The first decision about an instance stands, unless a later one wants something else. */
function distinct(changes: readonly Draft[]): readonly Draft[] {
  const last = new Map<string, Draft>();
  return changes.filter((change) => {
    const key = keyOf(change.instance);
    const before = last.get(key);
    last.set(key, change);
    return before === undefined || before.wanted !== change.wanted || before.target.poolId !== change.target.poolId || before.model !== change.model;
  });
}

function keyOf({ orgId, instanceId }: { readonly orgId: string; readonly instanceId: string }): string {
  return `${orgId}/${instanceId}`;
}
