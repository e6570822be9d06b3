import { ApiError, type Assignment } from '@corral/contracts';
import type { ModelDirectory } from '../manifest/model-directory.js';
import { retiredMessage } from '../manifest/resolve-model-ref.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import { askedWish } from './held-wishes.js';
import type { Order } from './lifecycle-orders.js';
import type { OrderToPlan } from './plan-pass.js';

export interface OrderSources {
  readonly record: InstanceRecord | undefined;
  /** What is wanted of the instance. */
  readonly assignment: Assignment | undefined;
  specOf: ModelDirectory['specOf'];
  isRetired: ModelDirectory['isRetired'];
  /** Why nothing can be published now. */
  readonly busRefusal: string | null;
}

export type TakenOrder =
  | { readonly kind: 'plan'; readonly one: OrderToPlan }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly error: ApiError };

/** Refuses a call that cannot be carried out whatever the plans say; else gives it its wish. Pure. [C-206 E-08] */
export function orderToPlan(order: Order, { record, assignment, specOf, isRetired, busRefusal }: OrderSources): TakenOrder {
  const { key, what } = order;
  const name = `${key.orgId}/${key.instanceId}`;
  // What merely starts up is brought about when it can be, like a load for tasks.
  if (busRefusal !== null && !isStartup(what)) return refused('EVENT_BUS_UNAVAILABLE', busRefusal, 2_000);
  if (record === undefined) return refused('NOT_FOUND', `there is no instance ${name}; GET /api/orgs/${key.orgId}/instances lists them`);
  if (record.status === 'suspended' && what.kind === 'load') return refused('CONFLICT', `instance ${name} is suspended; set its status to active first`);
  if (what.kind === 'load' && isRetired(record.modelRef)) return refused('MODEL_DEPRECATED', retiredMessage(record.modelRef));
  const model = specOf(record.modelRef) ?? (what.kind === 'unload' ? assignment?.model : undefined);
  if (model === undefined) return what.kind === 'load' ? refused('MODEL_NOT_AVAILABLE', `instance ${name} runs ${record.modelRef}, which is not served here; add the model to the manifest`) : { kind: 'nothing' };
  const tier = what.kind === 'load' ? what.tier : assignment?.wanted === 'resident' ? assignment.tier : 'warm';
  const wish = what.kind === 'unload' || tier === 'warm' ? null : askedWish(record, tier, order.seq, specOf);
  return { kind: 'plan', one: { order, record, model, wish: wish !== null && isStartup(what) ? { ...wish, source: 'startup' } : wish } };
}

/** Whether nobody waits for the answer to hear of a confirmed publish. */
export function isStartup(what: Order['what']): boolean {
  return what.kind === 'load' && what.source === 'startup';
}

function refused(code: 'EVENT_BUS_UNAVAILABLE' | 'NOT_FOUND' | 'CONFLICT' | 'MODEL_NOT_AVAILABLE' | 'MODEL_DEPRECATED', message: string, retryAfterMs?: number): TakenOrder {
  return { kind: 'refused', error: new ApiError(code, message, retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }) };
}
