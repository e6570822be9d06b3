import type { PoolDefinition } from '@corral/contracts';

/** An answer may be lost, so a change is told more than once. */
const TIMES = 3;

/** Which pools each node was told to have: a definition that changed is told though the node has pools of these ids. */
export class PoolNews {
  readonly #told = new Map<string, { readonly text: string; readonly times: number }>();

  /** Whether the node is to be told these now; called once for each answer. */
  isToTell(nodeId: string, pools: readonly PoolDefinition[] | null): boolean {
    const text = JSON.stringify(pools);
    const known = this.#told.get(nodeId);
    const times = known?.text === text ? known.times : 0;
    if (times >= TIMES) return false;
    this.#told.set(nodeId, { text, times: times + 1 });
    return true;
  }

  /** A node that registers is told in any case. */
  registered(nodeId: string, pools: readonly PoolDefinition[] | null): void {
    this.#told.set(nodeId, { text: JSON.stringify(pools), times: TIMES });
  }

  forget(nodeId: string): void {
    this.#told.delete(nodeId);
  }
}
