import type { Clock } from '@corral/service-kit';
import type { NodeDirectory } from './node-view.js';

/** How long ago each node last told of something that happened. */
export interface EventAges {
  /** Milliseconds; `null` where nothing was told since this daemon started. */
  ageMs(nodeId: string): number | null;
}

export function watchEventAges(nodes: Pick<NodeDirectory, 'onChange'>, clock: Clock): EventAges {
  const lastMs = new Map<string, number>();
  nodes.onChange((change) => {
    if (change.type === 'event') lastMs.set(change.nodeId, clock.monotonicMs());
    if (change.type === 'gone') lastMs.delete(change.nodeId);
  });
  return {
    ageMs: (nodeId) => {
      const atMs = lastMs.get(nodeId);
      return atMs === undefined ? null : Math.round(clock.monotonicMs() - atMs);
    },
  };
}
