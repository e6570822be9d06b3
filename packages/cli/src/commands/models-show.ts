import type { CatalogModel } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { fetchModel } from '../client/catalog-calls.js';
import { NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

/** `corral models show MODEL`: what it is, where it lies, and what it will need of each pool before anybody loads it. [A-160] */
export async function modelsShow(context: CliContext, globals: Globals, modelId: string): Promise<void> {
  const model = await withClient(context, globals, (client) => fetchModel(client, modelId));
  if (globals.json) printJson(context, model);
  else context.out.write(`${renderModel(model, context.colors)}\n`);
}

export function renderModel(model: CatalogModel, colors: Colors): string {
  const facts = factsOf(model).map(([name, value]) => `${colors.dim(name.padEnd(13))}${value}`);
  return [colors.bold(model.id), ...facts, '', ...placesOf(model, colors), '', ...forecastOf(model, colors)].join('\n');
}

function factsOf(model: CatalogModel): readonly (readonly [string, string])[] {
  const { verification, trust, size_bytes: size } = model;
  const retired = model.retired_at_ms === null ? '' : ` since ${timeOf(model.retired_at_ms)}`;
  return [
    ['state', `${model.state}${retired}${model.pinned ? ', pinned' : ''}`],
    ['from', `${model.origin}${model.sources.length === 0 ? '' : `: ${model.sources.join(', ')}`}`],
    ['digest', model.digest ?? 'not given'],
    ['verified', verification === null ? 'not yet' : `${verification.result}${model.last_verified_ms === null ? '' : ` at ${timeOf(model.last_verified_ms)}`}: ${verification.reason}`],
    ['file', size === null ? 'on no node' : [formatBytes(size), model.architecture, model.quant].filter((one) => one !== null).join(', ')],
    ['replica', `${model.slots} × ${model.context} tokens${model.train_context === null ? '' : `, trained with ${model.train_context}`}`],
    ...(model.tags.length === 0 ? [] : [['tags', model.tags.join(', ')] as const]),
    ...(trust.warnings.length === 0 ? [] : [['trust', trust.warnings.join('; ')] as const]),
  ];
}

function placesOf({ id, availability }: CatalogModel, colors: Colors): readonly string[] {
  if (availability.length === 0) return [`no node has it; corral models pull ${id} fetches it, and so does its first load`];
  const rows = availability.map((one) => [one.online ? one.node_id : `${one.node_id} (offline)`, one.present ? 'yes' : 'no', one.verification?.result ?? NOTHING, one.staged ? 'yes' : 'no', String(one.resident)]);
  return [renderTable(['node', 'on disk', 'verified', 'staged', 'replicas'], rows, colors)];
}

function forecastOf({ forecast }: CatalogModel, colors: Colors): readonly string[] {
  if (forecast.length === 0) return ['no pool is known, so nobody can say what it will need; corral pools shows them'];
  const rows = forecast.map((one) => [
    one.pool_id,
    one.fits === null ? '?' : one.fits ? 'fits' : 'does not fit',
    bytes(one.weights_bytes),
    bytes(one.kv_bytes_per_token),
    bytes(one.required_bytes),
    one.largest_context === null ? NOTHING : String(one.largest_context),
    one.reason,
  ]);
  return [renderTable(['pool', 'it', 'weights', 'per token', 'in all', 'largest context', 'why'], rows, colors)];
}

function bytes(value: number | null): string {
  return value === null ? NOTHING : formatBytes(Math.round(value));
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
