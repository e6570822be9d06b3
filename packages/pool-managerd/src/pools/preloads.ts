import type { Preload } from '@corral/contracts';
import { instanceKey } from '../assignments/journal-state.js';
import type { ObservedAssignment } from '../assignments/outcome-watch.js';

/** How far something is that is to be resident from the start. */
export interface PreloadState {
  readonly instanceId: string;
  readonly state: Preload['state'] | 'resident';
  readonly reason: string | null;
}

/** What the control plane told last of what is to be resident from the start. */
export class ToldPreloads {
  #list: readonly Preload[] = [];

  constructor(private readonly onChange: () => void) {}

  get list(): readonly Preload[] {
    return this.#list;
  }

  told(list: readonly Preload[]): void {
    const isSame = JSON.stringify(list) === JSON.stringify(this.#list);
    this.#list = list;
    if (!isSame) this.onChange();
  }
}

/**
 * The preloads of one pool: what the journal wants there from the start, and what the control plane tells of. A node
 * knows best what it has loaded, and the control plane what failed before and is about to be tried again. One without a
 * place counts while places are being decided. Pure. [C-10 C-268]
 */
export function preloadsIn(poolId: string, { told, observed, isDeciding }: { readonly told: readonly Preload[]; readonly observed: readonly ObservedAssignment[]; readonly isDeciding: boolean }): readonly PreloadState[] {
  const here = new Map(observed.filter(({ assignment, status }) => assignment.wanted === 'resident' && status.pool_id === poolId).map((one) => [instanceKey(one.assignment), one]));
  const states = new Map([...here].filter(([, { assignment }]) => assignment.source === 'startup').map(([key, one]) => [key, ownState(one)]));
  for (const one of told) {
    if (one.pool_id !== poolId && !(one.pool_id === null && isDeciding)) continue;
    const own = here.get(instanceKey(one));
    const state = own === undefined ? null : ownState(own);
    const isNews = state === null || (state.state === 'coming' && one.state === 'failed');
    states.set(instanceKey(one), isNews ? { instanceId: one.instance_id, state: one.pool_id === null ? 'coming' : one.state, reason: one.reason } : state);
  }
  return [...states.values()];
}

function ownState({ status: { instance_id: instanceId, residency, last_error: reason } }: ObservedAssignment): PreloadState {
  if (residency === 'resident') return { instanceId, state: 'resident', reason: null };
  return { instanceId, state: residency === 'failed' || reason !== null ? 'failed' : 'coming', reason };
}
