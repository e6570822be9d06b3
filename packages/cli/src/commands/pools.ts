import { PoolList, validator, type PoolStatus } from '@corral/contracts';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import type { CallOptions, CorralClient } from '../client/corral-client.js';
import { nextTry } from '../render/failure-story.js';
import { bytesOf, NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

const checkPools = validator(PoolList);

export async function fetchPools(client: CorralClient, options?: CallOptions): Promise<PoolStatus[]> {
  return (await client.get('/v2/pools', checkPools, options)).data;
}

/** `corral pools`: the devices that serve, and why one does not. */
export async function pools(context: CliContext, globals: Globals): Promise<void> {
  const list = await withClient(context, globals, fetchPools);
  if (globals.json) printJson(context, list);
  else context.out.write(`${renderPools(list, context.clock.nowMs(), context.colors)}\n`);
}

export function renderPools(list: readonly PoolStatus[], nowMs: number, colors: Colors): string {
  if (list.length === 0) return 'no pools: no node has registered yet; corral nodes shows what is known';
  const head = ['pool', 'node', 'device', 'state', 'memory', 'slots free', 'replicas', 'why'];
  const rows = list.map((pool) => [
    pool.pool_id,
    pool.node_id,
    pool.device_name === null ? pool.device : `${pool.device} (${pool.device_name})`,
    paintedState(pool, colors),
    pool.attached === undefined ? bytesOf(pool.memory_used_bytes, pool.memory_total_bytes) : NOTHING,
    `${pool.slots_free}/${pool.slots_total}`,
    String(pool.replicas.length),
    whyOf(pool, nowMs),
  ]);
  return renderTable(head, rows, colors);
}

/** What is wrong with it, and when the first of its replicas that failed is tried again. */
function whyOf({ last_error: error, replicas }: PoolStatus, nowMs: number): string {
  const times = replicas.flatMap(({ breaker }) => breaker?.retry_at_ms ?? []);
  return [error, nextTry(times.length === 0 ? null : Math.min(...times), nowMs)].filter((part) => part !== null).join('; ') || NOTHING;
}

function paintedState(pool: PoolStatus, colors: Colors): string {
  if (!pool.live) return colors.red('gone');
  if (pool.draining) return colors.yellow('draining');
  return pool.ready ? colors.green('ready') : colors.red('unready');
}
