import { Health, validator, type NodeSummary, type PoolStatus } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { counted } from '../render/shown.js';
import { printJson, withClient, type Globals } from './globals.js';
import { fetchNodes } from './nodes.js';
import { fetchPools } from './pools.js';
import { residentRows } from './ps.js';

const checkHealth = validator(Health);

/** The system in one look, as `status --json` prints it. */
export interface StatusReport {
  readonly url: string;
  readonly version: string;
  /** One pool at least may receive work. */
  readonly ready: boolean;
  /** Why not, or what the server otherwise says of itself. */
  readonly reason: string | null;
  readonly nodes: { readonly online: number; readonly total: number };
  readonly pools: { readonly ready: number; readonly total: number };
  readonly memory: { readonly used_bytes: number; readonly total_bytes: number };
  readonly slots: { readonly free: number; readonly total: number };
  readonly resident: readonly { readonly model_id: string; readonly pool_id: string; readonly state: string }[];
}

/** `corral status`: whether the server is up and may serve, and what it serves with. */
export async function status(context: CliContext, globals: Globals): Promise<void> {
  const report = await withClient(context, globals, async (client) => {
    const { version } = await client.get('/health', checkHealth);
    const [readiness, nodes, pools] = await Promise.all([client.readiness(), fetchNodes(client), fetchPools(client)]);
    return statusReport({ url: client.url, version, ...readiness }, nodes, pools);
  });
  if (globals.json) printJson(context, report);
  else context.out.write(`${renderStatus(report, context.colors)}\n`);
}

export function statusReport(
  server: Pick<StatusReport, 'url' | 'version' | 'ready' | 'reason'>,
  nodes: readonly NodeSummary[],
  pools: readonly PoolStatus[],
): StatusReport {
  const readyPools = pools.filter((pool) => pool.live && pool.ready && !pool.draining);
  return {
    ...server,
    nodes: { online: nodes.filter((node) => node.online).length, total: nodes.length },
    pools: { ready: readyPools.length, total: pools.length },
    memory: { used_bytes: sum(pools, (pool) => pool.memory_used_bytes), total_bytes: sum(pools, (pool) => pool.memory_total_bytes) },
    slots: { free: sum(pools, (pool) => pool.slots_free), total: sum(pools, (pool) => pool.slots_total) },
    resident: residentRows(pools).map(({ model_id, pool_id, state }) => ({ model_id, pool_id, state })),
  };
}

export function renderStatus(report: StatusReport, colors: Colors): string {
  const state = `${report.ready ? colors.green('ready') : colors.red('not ready')}${report.reason === null ? '' : `: ${report.reason}`}`;
  const resident = report.resident.map(({ model_id, pool_id, state: at }) => `${model_id} on ${pool_id} (${at})`).join(', ');
  return [
    `${colors.bold('corral')} ${report.version} at ${report.url}: ${state}`,
    `nodes     ${report.nodes.online} of ${report.nodes.total} online`,
    `pools     ${report.pools.ready} of ${report.pools.total} ready, ${formatBytes(report.memory.used_bytes)} of ${formatBytes(report.memory.total_bytes)} used`,
    `slots     ${report.slots.free} of ${report.slots.total} free`,
    `resident  ${resident || `${counted(0, 'model')}; a model is loaded when it is asked for`}`,
  ].join('\n');
}

function sum(pools: readonly PoolStatus[], of: (pool: PoolStatus) => number): number {
  return pools.reduce((total, pool) => total + of(pool), 0);
}
