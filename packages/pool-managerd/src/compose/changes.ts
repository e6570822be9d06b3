import { Swaps } from '../assignments/swaps.js';
import { isOperators, PoolChanges } from '../pools/pool-changes.js';
import type { Ground } from './ground.js';

/** Who takes whose place, and what operators did that no assignment says yet. */
export function buildChanges({ nodeId, journal, metrics, log }: Ground, poke: () => void): { readonly swaps: Swaps; readonly changes: PoolChanges } {
  const swaps = new Swaps(({ holder, poolId: pool_id, outcome, mode, from, to }) => {
    // What operators asked for is counted with their operations.
    if (!isOperators(holder)) metrics.inc('pool_reload_total', { pool_id, outcome });
    log.info('replica swap ended', { pool_id, outcome, mode, from, to });
  });
  const newest = (): number => [...journal.state.entries.values()].reduce((max, { assignment }) => Math.max(max, assignment.generation), 0);
  return { swaps, changes: new PoolChanges({ nodeId, seq: () => journal.state.seq, generation: () => 1 + newest(), onChange: poke }) };
}
