import type { Instance } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { wrongUse } from '../cli-failure.js';
import { changeInstance, createInstance, instanceNamed, instancePath } from '../client/instance-calls.js';
import { configOf } from './config-pairs.js';
import { printJson, withClient, type Globals } from './globals.js';

export interface ChangeOptions extends Globals {
  readonly org: string;
  readonly model?: string | undefined;
  readonly tier?: string | undefined;
  readonly status?: string | undefined;
  readonly ttlS?: string | undefined;
  readonly name?: string | undefined;
  readonly set: readonly string[];
}

/** `corral instances create ORG/INSTANCE --model MODEL`. */
export async function instancesCreate(context: CliContext, options: ChangeOptions, text: string): Promise<void> {
  const name = instanceNamed(text, options.org);
  const body = { instance_id: name.instance, ...fieldsOf(options) };
  tell(context, options, await withClient(context, options, (client) => createInstance(client, name.org, body)), 'created');
}

/** `corral instances set ORG/INSTANCE`: what is left out stays. */
export async function instancesSet(context: CliContext, options: ChangeOptions, text: string): Promise<void> {
  const name = instanceNamed(text, options.org);
  const body = fieldsOf(options);
  if (Object.keys(body).length === 0) throw wrongUse('there is nothing to set', 'name it: --model, --tier, --status, --ttl-s, --name or --set key=value');
  tell(context, options, await withClient(context, options, (client) => changeInstance(client, name, body)), 'changed');
}

/** `corral instances rm ORG/INSTANCE`. */
export async function instancesRm(context: CliContext, options: Globals & { readonly org: string }, text: string): Promise<void> {
  const name = instanceNamed(text, options.org);
  await withClient(context, options, (client) => client.remove(instancePath(name)));
  if (options.json) printJson(context, { org_id: name.org, instance_id: name.instance, deleted: true });
  else context.out.write(`deleted ${name.org}/${name.instance}\n`);
}

function fieldsOf({ model, tier, status, ttlS, name, set }: ChangeOptions): Record<string, unknown> {
  return {
    ...(model === undefined ? {} : { model }),
    ...(tier === undefined ? {} : { tier }),
    ...(status === undefined ? {} : { status }),
    ...(ttlS === undefined ? {} : { ttl_s: ttlOf(ttlS) }),
    ...(name === undefined ? {} : { name }),
    ...(set.length === 0 ? {} : { config: configOf(set) }),
  };
}

function ttlOf(text: string): number | null {
  if (text === 'none') return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw wrongUse(`--ttl-s ${text} is no number of seconds`, 'give a whole number from 1, or none');
}

function tell(context: CliContext, { json }: Globals, record: Instance, what: string): void {
  if (json) printJson(context, record);
  else context.out.write(`${what} ${record.org_id}/${record.instance_id}: ${record.model}, tier ${record.tier}, ${record.residency}\n`);
}
