import { AdminHealth, PoolStats, validator, type PoolStatus } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { wrongUse } from '../cli-failure.js';
import type { CorralClient } from '../client/corral-client.js';
import { bytesOf, NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';
import { fetchPools } from './pools.js';

export interface TopOptions extends Globals {
  readonly once?: boolean | undefined;
  readonly interval: string;
}

/** One look, as `top --json` prints it. */
export interface TopReport {
  readonly stats: PoolStats;
  readonly health: AdminHealth;
  readonly pools: readonly PoolStatus[];
}

const checkStats = validator(PoolStats);
const checkHealth = validator(AdminHealth);
const HOME_AND_CLEAR = '\u001B[H\u001B[J';

/** `corral top`: what is where, over and over on a terminal; one look with `--once`, `--json`, or where there is no terminal. */
export async function top(context: CliContext, options: TopOptions): Promise<void> {
  const intervalMs = intervalOf(options.interval);
  await withClient(context, options, async (client) => {
    const first = await look(client);
    if (options.json) return printJson(context, first);
    if (options.once === true || !context.out.isTerminal) return context.out.write(`${renderTop(first, context.colors)}\n`);
    await goOn(context, client, { first, intervalMs });
  });
}

async function goOn(context: CliContext, client: CorralClient, { first, intervalMs }: { readonly first: TopReport; readonly intervalMs: number }): Promise<void> {
  const { signals, clock, out, colors } = context;
  const stopped = new AbortController();
  const off = [signals.on('SIGINT', () => stopped.abort()), signals.on('SIGTERM', () => stopped.abort())];
  try {
    for (let report = first; !stopped.signal.aborted; report = await look(client)) {
      out.write(`${HOME_AND_CLEAR}${renderTop(report, colors)}\n`);
      await clock.sleep(intervalMs, stopped.signal).catch(() => undefined);
      if (stopped.signal.aborted) return;
    }
  } finally {
    for (const end of off) end();
  }
}

async function look(client: CorralClient): Promise<TopReport> {
  const [stats, health, pools] = await Promise.all([client.get('/api/admin/pool/stats', checkStats), client.get('/api/admin/health', checkHealth), fetchPools(client)]);
  return { stats, health, pools };
}

function renderTop({ stats, health, pools }: TopReport, colors: Colors): string {
  const { total_instances: total, hot_tier_count: hot, warm_tier_count: warm, cold_tier_count: cold, demand_tier_count: demand } = stats;
  const bus = health.event_bus;
  return [
    `${colors.bold(`${total} instances`)}: ${hot} hot, ${warm} warm, ${cold} cold, ${demand} demand; ${stats.shared_model_count} models, ${stats.shared_bundle_count} engines, ${formatBytes(stats.memory_estimate_mb * 1_048_576)}`,
    `bus ${bus.mode} ${bus.connected ? colors.green('connected') : colors.red('not connected')}${bus.last_error === null ? '' : `: ${bus.last_error}`}; nodes ${health.workers.filter(({ online }) => online).length} of ${health.workers.length} online`,
    '',
    renderTable(['pool', 'node', 'memory', 'slots free', 'models'], pools.map(poolRow), colors),
    '',
    health.instances.length === 0
      ? 'no instances'
      : renderTable(['instance', 'residency', 'ready', 'why'], health.instances.map((one) => [`${one.org_id}/${one.instance_id}`, one.residency, one.ready ? colors.green('yes') : 'no', one.last_error ?? NOTHING]), colors),
  ].join('\n');
}

function poolRow(pool: PoolStatus): string[] {
  const models = pool.replicas.map(({ model_id, state, load_progress: done }) => `${model_id} (${state}${done === null ? '' : ` ${Math.floor(done * 100)} %`})`).join(' ');
  return [pool.pool_id, pool.node_id, bytesOf(pool.memory_used_bytes, pool.memory_total_bytes), `${pool.slots_free}/${pool.slots_total}`, models || NOTHING];
}

function intervalOf(text: string): number {
  const seconds = text.trim() === '' ? Number.NaN : Number(text);
  if (seconds >= 0.2 && seconds <= 3_600) return seconds * 1_000;
  throw wrongUse(`--interval ${text} is no number of seconds`, 'give a number from 0.2 to 3600');
}
