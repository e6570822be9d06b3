import type { Instance, InstanceEvent } from '@corral/contracts';
import { formatDuration } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { wrongUse } from '../cli-failure.js';
import { fetchInstance, fetchInstanceEvents, instanceNamed } from '../client/instance-calls.js';
import { NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';
import { paintedResidency } from './instances-ls.js';

export interface ShowOptions extends Globals {
  readonly org: string;
  readonly events: string;
}

/** `corral instances show ORG/INSTANCE`: one instance, and what happened to it. With `--json` the record, its events in `events`. */
export async function instancesShow(context: CliContext, options: ShowOptions, text: string): Promise<void> {
  const name = instanceNamed(text, options.org);
  const count = eventCount(options.events);
  const [record, events] = await withClient(context, options, (client) =>
    Promise.all([fetchInstance(client, name), count === 0 ? Promise.resolve([]) : fetchInstanceEvents(client, name, count)]),
  );
  if (options.json) printJson(context, { ...record, events });
  else context.out.write(`${renderInstance(record, context.colors)}\n${renderEvents(events, context.colors)}`);
}

function eventCount(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw wrongUse(`--events ${text} is no number of events`, 'give a whole number from 0 to 999');
}

function renderInstance(one: Instance, colors: Colors): string {
  const rows = [
    ['instance', `${colors.bold(`${one.org_id}/${one.instance_id}`)}${one.name === null ? '' : `, ${one.name}`}`],
    ['model', one.model],
    ['tier', one.held_tier === null ? one.tier : `${one.tier}, held ${one.held_tier}`],
    ['residency', paintedResidency(one, colors)],
    ['ready', one.is_ready ? colors.green('yes') : `no${one.estimated_ms === null ? '' : `, about ${formatDuration(one.estimated_ms)}`}`],
    ['place', one.pool_id === null ? NOTHING : `pool ${one.pool_id} of node ${one.node_id ?? NOTHING}`],
    ['status', `${one.status}, made by ${one.origin}`],
    ['ttl', one.ttl_s === null ? NOTHING : formatDuration(one.ttl_s * 1_000)],
    ['config', `${one.config_hash} ${JSON.stringify(one.config)}`],
    ['last error', one.last_error ?? NOTHING],
  ];
  return rows.map(([label = '', value = '']) => `${label.padEnd(11)}${value}`).join('\n');
}

function renderEvents(events: readonly InstanceEvent[], colors: Colors): string {
  if (events.length === 0) return '';
  const rows = events.map((event) => [
    event.at,
    event.type,
    event.duration_ms === null ? NOTHING : formatDuration(event.duration_ms),
    event.steps.map(({ step, duration_ms }) => `${step} ${formatDuration(duration_ms)}`).join(', ') || NOTHING,
    event.reason ?? NOTHING,
  ]);
  return `\n${renderTable(['at', 'event', 'took', 'steps', 'why'], rows, colors)}\n`;
}
