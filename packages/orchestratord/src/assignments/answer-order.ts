import { ApiError, type ModelSpec, type Tier } from '@corral/contracts';
import type { ResidencyPlan } from '@corral/orchestrator-core';
import { modelKeyOf } from '../manifest/model-key.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import { modelOn, type AssignmentView } from './assignment-view.js';
import type { Order } from './lifecycle-orders.js';
import { fetchChange, joinChange, loadChanges, type ChangeContext, type Draft } from './plan-changes.js';
import { impossibleReason, waitReason } from './plan-reasons.js';
import { awaitedTarget, stagingTarget, targetOf, type Target } from './places-to-be.js';
import { usablePools, type Wish } from './residency-input.js';
import type { WorldLook } from './residency-world.js';
import { fitsInItsPlace } from './superseded.js';

/** What becomes of a call. */
export type OrderAnswer =
  | { readonly kind: 'changes'; readonly changes: readonly Draft[] }
  /** No node is known, or a server has it; it is held, and loaded when there is one, or that is away. */
  | { readonly kind: 'held'; readonly tier: Tier }
  /** It is as it was asked to be. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly error: ApiError };

/** A call with everything that its answer follows from. */
export interface OrderCase {
  readonly order: Order;
  readonly record: InstanceRecord;
  readonly model: ModelSpec;
  /** What was planned for it; `null` where it is not to become resident. */
  readonly planned: { readonly wish: Wish; readonly plan: ResidencyPlan } | null;
  /** More instances are hot than may be, and this one is the least recently used. */
  readonly isOverCeiling: boolean;
  /** A server that runs by itself has its model and answers. */
  readonly isAttached: boolean;
  readonly world: WorldLook;
  readonly context: ChangeContext;
}

/** What a call changes in the wanted set, or why it is refused, and then it changes nothing. Pure. [C-206 G-02 G-20] */
export function answerOrder(one: OrderCase): OrderAnswer {
  const { order, record, world } = one;
  const own = world.viewOf(`${record.orgId}/${record.instanceId}`);
  const answer = answerOf(one, own);
  if (answer.kind !== 'changes') return answer;
  // The last change is the instance's own; whoever yields to it goes by the same correlation id.
  const changes = answer.changes.map((change) => ({ ...change, correlationId: order.correlationId }));
  return { kind: 'changes', changes };
}

function answerOf(one: OrderCase, own: AssignmentView | undefined): OrderAnswer {
  const { order } = one;
  switch (order.what.kind) {
    case 'load':
      // It is loaded where there is room once the server is away. [D-82]
      if (one.isAttached) return { kind: 'held', tier: order.what.tier };
      return one.planned === null || one.isOverCeiling ? stage(one, own, one.isOverCeiling) : load(one, own, one.planned);
    case 'unload':
      return unload(one, own);
    case 'refresh':
      return refresh(one, own);
  }
}

function load(one: OrderCase, own: AssignmentView | undefined, { wish, plan }: NonNullable<OrderCase['planned']>): OrderAnswer {
  const { order, context, world } = one;
  if (order.what.kind !== 'load') return { kind: 'nothing' };
  const { source } = order.what;
  const held = (change: Draft): Draft => ({ ...change, source, heldTier: wish.demand.instance.tier });
  const step = (target: Target, reason: string): OrderAnswer => changes(held({ ...fetchChange(wish, target), reason }));
  switch (plan.kind) {
    case 'already':
      return changes(held(joinChange(wish, plan)));
    case 'fetch':
      return changes(held(fetchChange(wish, plan)));
    case 'load': {
      const made = loadChanges(wish, plan, context);
      return { kind: 'changes', changes: [...made.slice(0, -1), ...made.slice(-1).map(held)] };
    }
    case 'wait':
      return step(plan, waitReason(plan, world.nameOfModel));
    case 'impossible': {
      const reason = impossibleReason(plan, wish.demand.model.model_id, world.nameOfReplica);
      // A pool may come back, and what merely starts up waits for room.
      if (plan.reason !== 'no_pool' && source === 'api_load') return refused('POOL_UNAVAILABLE', reason);
      // What is on its way to a node that is away, or loaded there, stays as it is.
      if (own !== undefined && own.assignment.wanted === 'resident' && modelKeyOf(own.assignment.model) === wish.demand.modelKey) return changes(held(joinChange(wish, targetOf(own))));
      const target = awaitedTarget(world, own);
      return target === null ? nobody(one) : step(target, reason);
    }
  }
}

function stage(one: OrderCase, own: AssignmentView | undefined, isOverCeiling: boolean): OrderAnswer {
  const { order, record, model, world } = one;
  if (order.what.kind !== 'load') return { kind: 'nothing' };
  const target = stagingTarget(world, model, own) ?? awaitedTarget(world, own);
  if (target === null) return nobody(one);
  const why = isOverCeiling ? 'as many instances are hot as may be' : 'a load of its instance was called, and its tier is warm';
  return changes({
    instance: { orgId: record.orgId, instanceId: record.instanceId, tier: 'warm' },
    model,
    wanted: 'staged',
    event: 'load',
    target,
    source: order.what.source,
    reason: `${model.model_id} is staged on node ${target.nodeId}: ${why}`,
    heldTier: 'warm',
  });
}

function unload({ record, model, world }: OrderCase, own: AssignmentView | undefined): OrderAnswer {
  const target = awaitedTarget(world, own);
  if (target === null) return { kind: 'nothing' };
  const change: Draft = { instance: { orgId: record.orgId, instanceId: record.instanceId, tier: record.tier }, model: own?.assignment.model ?? model, wanted: whatStays(own), event: 'unload', target, source: 'api_unload', reason: 'an unload of its instance was called', heldTier: null };
  return changes(change);
}

/** A file that is there stays; one that is still coming is given up. */
function whatStays(own: AssignmentView | undefined): 'on_disk' | 'absent' {
  if (own === undefined) return 'absent';
  const { assignment, place } = own;
  if (place === undefined) return assignment.wanted === 'resident' || assignment.wanted === 'staged' ? 'on_disk' : 'absent';
  return modelOn(place, assignment.model) === undefined ? 'absent' : 'on_disk';
}

function refresh(one: OrderCase, own: AssignmentView | undefined): OrderAnswer {
  const { model, planned } = one;
  if (own === undefined || own.assignment.wanted === 'absent' || (own.assignment.wanted === 'on_disk' && one.record.heldTier === null)) return { kind: 'nothing' };
  const { assignment } = own;
  const instance = { orgId: assignment.org_id, instanceId: assignment.instance_id, tier: assignment.tier };
  const reason = 'the definition of its instance has changed';
  const isSameShape = modelKeyOf(assignment.model) === modelKeyOf(model);
  if (isSameShape || planned === null) return changes({ instance, model, wanted: assignment.wanted, target: targetOf(own), source: assignment.source, reason });
  // Where the new one can have the place of the old one, its node lets that serve until it is there, or until there is no other room.
  if (mayTakeItsPlace(own, one)) return changes({ instance, model, wanted: 'resident', target: targetOf(own), source: assignment.source, reason });
  // Else planned as any load; a place that it cannot have at once it waits for.
  const { wish, plan } = planned;
  if (plan.kind === 'load') return { kind: 'changes', changes: loadChanges(wish, plan, one.context) };
  if (plan.kind === 'already') return changes(joinChange(wish, plan));
  return changes({ ...fetchChange(wish, plan.kind === 'impossible' ? targetOf(own) : plan), reason });
}

/** Whether another model may follow in the place of a loaded instance, in its pool, and nobody else has to leave for that. [C-261 C-269] */
function mayTakeItsPlace(own: AssignmentView, { model, world }: OrderCase): boolean {
  const { wanted, target } = own.assignment;
  if (wanted !== 'resident' || !usablePools(world.pools).some(({ poolId }) => poolId === target.pool_id)) return false;
  const isTaken = world.viewsOf(own.modelKey).some((other) => other !== own && other.assignment.wanted === 'resident' && other.assignment.target.pool_id === target.pool_id);
  return fitsInItsPlace(own, model, { world, isTaken });
}

function changes(change: Draft): OrderAnswer {
  return { kind: 'changes', changes: [change] };
}

function nobody({ order, record }: OrderCase): OrderAnswer {
  if (order.what.kind === 'load' && order.what.source === 'startup') return { kind: 'held', tier: order.what.tier };
  return refused('NODE_UNAVAILABLE', `no node is known that could load ${record.orgId}/${record.instanceId}; start pool-managerd with ORCHESTRATOR_URL set, and look at corral nodes`);
}

function refused(code: 'POOL_UNAVAILABLE' | 'NODE_UNAVAILABLE', message: string): OrderAnswer {
  return { kind: 'refused', error: new ApiError(code, message, { retry_after_ms: 5_000 }) };
}
