import { Operation, validator } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { runOperation } from '../client/catalog-calls.js';
import { EXIT } from '../exit-code.js';
import { millisecondsOf } from '../render/duration-option.js';
import { printJson, withClient, type Globals } from './globals.js';

export interface PoolChangeOptions extends Globals {
  readonly wait: boolean;
  readonly deadline?: string;
  readonly replica?: string;
  readonly models?: readonly string[];
  readonly engine?: boolean;
  readonly caches?: boolean;
  readonly force?: boolean;
  readonly drain?: boolean;
}

const checkOperation = validator(Operation);

/** `corral pools reload POOL MODEL`: replaces a replica by one of another model, or leaves everything as it was. [B-102 C-40] */
export function poolsReload(context: CliContext, globals: PoolChangeOptions, poolId: string, model: string): Promise<number> {
  const body = { new_model_ref: model, ...(globals.replica === undefined ? {} : { replica_id: globals.replica }), ...deadlineOf(globals) };
  return change(context, globals, { poolId, what: 'reload', body, label: `reloading ${poolId} to ${model}`, done: `${poolId} serves ${model}` });
}

/** `corral pools preload POOL [MODEL…]`: puts a pool into service, and loads models beside what is there. */
export function poolsPreload(context: CliContext, globals: PoolChangeOptions, poolId: string, models: readonly string[]): Promise<number> {
  return change(context, globals, { poolId, what: 'preload', body: { models }, label: `preloading ${poolId}`, done: `${poolId} is in service${models.length === 0 ? '' : ` with ${models.join(', ')}`}` });
}

/** `corral pools purge POOL`: drains a pool, then deletes models and what its engines left from its node. [B-103] */
export function poolsPurge(context: CliContext, globals: PoolChangeOptions, poolId: string): Promise<number> {
  const { models = [], engine = false, caches = false, force = false, drain = true } = globals;
  const body = { purge_models: models, purge_engine: engine, delete_cache_dirs: caches, force, drain_first: drain, ...deadlineOf(globals) };
  return change(context, globals, { poolId, what: 'purge', body, label: `purging ${poolId}`, done: `${poolId} is purged${drain ? ` and drained; put it back with corral drain ${poolId} --undo` : ''}` });
}

interface Change {
  readonly poolId: string;
  readonly what: string;
  readonly body: object;
  readonly label: string;
  readonly done: string;
}

async function change(context: CliContext, globals: PoolChangeOptions, { poolId, what, body, label, done }: Change): Promise<number> {
  const path = `/v2/pools/${encodeURIComponent(poolId)}/${what}`;
  const operation = await withClient(context, globals, (client) => (globals.wait ? runOperation(context, client, { path, body, label }) : client.post(path, body, checkOperation)));
  if (globals.json) printJson(context, operation);
  else context.out.write(operation.state === 'running' ? `${label} (operation ${operation.operation_id})\n` : `${done}\n`);
  return EXIT.done;
}

function deadlineOf({ deadline }: PoolChangeOptions): { readonly deadline_ms?: number } {
  return deadline === undefined ? {} : { deadline_ms: millisecondsOf(deadline, '--deadline') };
}
