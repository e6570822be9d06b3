import type { Assignment } from '@corral/contracts';
import type { InstanceKey } from '../store/instance-rows.js';
import type { Unpublished } from './publish-guard.js';
import type { WantedChange } from './wanted-set.js';

export interface TakeBack {
  /** Instances that go back to what they were, with a later generation, since their node may have heard of the one that is taken back. */
  readonly changes: readonly WantedChange[];
  /** Instances of which nothing was wanted before. */
  readonly released: readonly InstanceKey[];
}

/** What undoes an order; an instance that was decided about again since is left alone. Pure. [E-08] */
export function takeBackChanges(written: Unpublished['written'], current: (key: InstanceKey) => Assignment | undefined): TakeBack {
  const mine = written.filter(({ generation, before }) => current(before.key)?.generation === generation).map(({ before }) => before);
  const changes = mine.flatMap(({ key, assignment, heldTier }): WantedChange[] => {
    if (assignment === undefined) return [];
    const { tier, model, wanted, target, source, reason, correlation_id } = assignment;
    return [{ instance: { ...key, tier }, model, wanted, target: { nodeId: target.node_id, poolId: target.pool_id }, source, reason, correlationId: correlation_id, heldTier }];
  });
  return { changes, released: mine.filter(({ assignment }) => assignment === undefined).map(({ key }) => key) };
}
