import type { Instance } from '@corral/contracts';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { fetchInstances } from '../client/instance-calls.js';
import { NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

/** `corral instances ls`: what an org has, what it wishes and where that is. */
export async function instancesLs(context: CliContext, options: Globals & { readonly org: string }): Promise<void> {
  const list = await withClient(context, options, (client) => fetchInstances(client, options.org));
  if (options.json) printJson(context, list);
  else context.out.write(`${renderInstances(list, options.org, context.colors)}\n`);
}

function renderInstances(list: readonly Instance[], org: string, colors: Colors): string {
  if (list.length === 0) return `org ${org} has no instances: corral instances create ${org}/NAME --model MODEL makes one`;
  const head = ['instance', 'model', 'tier', 'residency', 'ready', 'pool', 'status', 'why'];
  const rows = list.map((one) => [
    `${one.org_id}/${one.instance_id}`,
    one.model,
    one.held_tier === null || one.held_tier === one.tier ? one.tier : `${one.tier} (held ${one.held_tier})`,
    paintedResidency(one, colors),
    one.is_ready ? colors.green('yes') : 'no',
    one.pool_id ?? NOTHING,
    one.status === 'active' ? one.status : colors.yellow(one.status),
    one.last_error ?? NOTHING,
  ]);
  return renderTable(head, rows, colors);
}

/** Where an instance is, with how far it is on its way. */
export function paintedResidency({ residency, progress }: Pick<Instance, 'residency' | 'progress'>, colors: Colors): string {
  const way = progress === null ? '' : ` ${progress.phase}${progress.fraction === null ? '' : ` ${Math.floor(progress.fraction * 100)} %`}`;
  if (residency === 'resident') return colors.green(residency);
  if (residency === 'failed') return colors.red(residency);
  return way === '' ? residency : colors.yellow(`${residency}${way}`);
}
