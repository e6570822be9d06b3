import type { PoolStatus, ReplicaStatus } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { failureStory } from '../render/failure-story.js';
import { ago, NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';
import { fetchPools } from './pools.js';

/** One replica and where it is, as `ps --json` prints it. */
export type ResidentRow = ReplicaStatus & { readonly pool_id: string; readonly node_id: string; readonly device: string };

/** `corral ps`: what is resident where. */
export async function ps(context: CliContext, globals: Globals): Promise<void> {
  const rows = residentRows(await withClient(context, globals, (client) => fetchPools(client)));
  if (globals.json) printJson(context, rows);
  else context.out.write(`${renderResident(rows, context.clock.nowMs(), context.colors)}\n`);
}

/** Replicas of all pools, by model, then pool, then replica. */
export function residentRows(pools: readonly PoolStatus[]): ResidentRow[] {
  return pools
    .flatMap((pool) => pool.replicas.map((replica) => ({ ...replica, pool_id: pool.pool_id, node_id: pool.node_id, device: pool.device })))
    .toSorted((a, b) => compare(a.model_id, b.model_id) || compare(a.pool_id, b.pool_id) || compare(a.replica_id, b.replica_id));
}

export function renderResident(rows: readonly ResidentRow[], nowMs: number, colors: Colors): string {
  if (rows.length === 0) return 'nothing is resident: a model is loaded when it is asked for; corral models ls shows what can be';
  const head = ['model', 'pool', 'node', 'device', 'state', 'slots free', 'memory', 'since', 'replica', 'why'];
  const cells = rows.map((row) => [
    row.model_id,
    row.pool_id,
    row.node_id,
    row.device,
    paintedState(row, colors),
    `${row.slots_free}/${row.slots_total}`,
    formatBytes(row.memory_bytes),
    row.ready_since_ms === null ? NOTHING : ago(nowMs - row.ready_since_ms),
    row.replica_id,
    whyOf(row, nowMs),
  ]);
  return renderTable(head, cells, colors);
}

/** Of a replica that serves, why it is there comes first; of any other, what happened to it. */
function whyOf(row: ResidentRow, nowMs: number): string {
  const story = failureStory(row, nowMs);
  const told = row.state === 'resident' ? [row.reason, story] : [story ?? row.reason];
  return told.filter((part) => part !== undefined && part !== null).join('; ') || NOTHING;
}

function paintedState({ state, load_progress: progress }: ReplicaStatus, colors: Colors): string {
  switch (state) {
    case 'resident':
      return colors.green(state);
    case 'failed':
      return colors.red(state);
    case 'loading':
      return colors.yellow(progress === null ? state : `${state} ${Math.floor(progress * 100)} %`);
    case 'waiting':
    case 'draining':
      return colors.yellow(state);
    case 'parked':
      return colors.dim(state);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
