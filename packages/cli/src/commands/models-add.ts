import { resolve } from 'node:path';
import { CatalogModel, ModelPulled, validator } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { CliContext } from '../cli-context.js';
import { CliFailure, wrongUse } from '../cli-failure.js';
import { fetchModel, modelPath, runOperation } from '../client/catalog-calls.js';
import type { CorralClient } from '../client/corral-client.js';
import { printJson, withClient, type Globals } from './globals.js';

export interface AddOptions extends Globals {
  readonly id?: string | undefined;
  readonly digest?: string | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly context?: string | undefined;
  readonly slots?: string | undefined;
  readonly pin?: boolean | undefined;
  /** `false` with --no-pull. */
  readonly pull: boolean;
}

export interface PullOptions extends Globals {
  readonly node?: readonly string[] | undefined;
  readonly all?: boolean | undefined;
}

const checkModel = validator(CatalogModel);
const checkPulled = validator(ModelPulled);

/** `corral models add REF`: registers the model, has a node fetch it, and ends when it can be served. [A-162] */
export async function modelsAdd(context: CliContext, options: AddOptions, text: string): Promise<void> {
  const ref = refOf(text, context.workDir);
  const body = {
    id: options.id ?? ref,
    ref,
    ...(options.digest === undefined ? {} : { digest: options.digest }),
    ...(options.tag === undefined ? {} : { tags: [...options.tag] }),
    ...(options.context === undefined ? {} : { context: countOf('--context', options.context) }),
    ...(options.slots === undefined ? {} : { slots: countOf('--slots', options.slots) }),
    ...(options.pin === true ? { pinned: true } : {}),
  };
  const model = await withClient(context, options, async (client) => {
    const made = await client.post('/v2/catalog/models', body, checkModel);
    if (!options.pull) return made;
    await pulled(context, client, made.id, {});
    const present = await fetchModel(client, made.id);
    requireRoom(present);
    return present;
  });
  if (options.json) return printJson(context, model);
  const where = options.pull ? `can be served: send "model": "${model.id}"` : `is registered; its first load fetches it, or corral models pull ${model.id}`;
  context.out.write(`${model.id} ${where}\n`);
}

/** `corral models pull MODEL`: has nodes fetch the file; without a choice the server takes one. */
export async function modelsPull(context: CliContext, options: PullOptions, modelId: string): Promise<void> {
  if (options.all === true && options.node !== undefined) throw wrongUse('--all and --node exclude each other', 'leave one out');
  const nodes = options.all === true ? 'all' : options.node;
  const result = await withClient(context, options, (client) => pulled(context, client, modelId, nodes === undefined ? {} : { nodes }));
  if (options.json) printJson(context, result);
  else for (const { node_id: nodeId, size_bytes: size, error } of result.nodes) context.out.write(`${modelId} ${error === null ? `is on ${nodeId}${size === null ? '' : `, ${formatBytes(size)}`}` : `is not on ${nodeId}: ${error}`}\n`);
  const failed = result.nodes.find(({ error }) => error !== null);
  if (failed !== undefined) throw new CliFailure(`${modelId} could not be fetched everywhere`, { next: `try again with corral models pull ${modelId} --node ${failed.node_id}` });
}

async function pulled(context: CliContext, client: CorralClient, modelId: string, body: object): Promise<ModelPulled> {
  const { result } = await runOperation(context, client, { path: modelPath(modelId, '/pull'), body, label: `pulling ${modelId}` });
  const checked = checkPulled(result);
  if (!checked.ok) throw new CliFailure('the server answered what this version cannot read', { next: 'use the corral command of the version that the server runs' });
  return checked.value;
}

/** A file that fits nowhere is there, and still cannot be served. */
function requireRoom({ id, forecast }: CatalogModel): void {
  if (forecast.length === 0 || forecast.some(({ fits }) => fits !== false)) return;
  const best = forecast.toSorted((a, b) => (b.largest_context ?? 0) - (a.largest_context ?? 0))[0];
  throw new CliFailure(`${id} was fetched and fits in no pool: ${best?.pool_id ?? ''} ${best?.reason ?? ''}`, { next: `register it with a smaller --context or fewer --slots: corral models rm ${id}, then add it again` });
}

/** The server has another working directory, and takes a path as it stands. */
function refOf(text: string, workDir: string): string {
  const path = text.startsWith('file:') ? text.slice('file:'.length) : text;
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(path) || path.startsWith('//')) return text;
  return `file:${resolve(workDir, path)}`;
}

function countOf(flag: string, text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count > 0) return count;
  throw wrongUse(`${flag} ${text} is no whole number above 0`, `give one like ${flag} 4`);
}
