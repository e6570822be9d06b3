import { Operation, validator } from '@corral/contracts';
import type { CliContext } from '../cli-context.js';
import { runOperation } from '../client/catalog-calls.js';
import type { CorralClient } from '../client/corral-client.js';
import { EXIT } from '../exit-code.js';
import { millisecondsOf } from '../render/duration-option.js';
import { printJson, withClient, type Globals } from './globals.js';
import { fetchPools } from './pools.js';

export interface DrainOptions extends Globals {
  readonly wait: boolean;
  readonly undo: boolean;
  readonly deadline?: string;
}

const checkOperation = validator(Operation);

/** `corral drain POOL|NODE`: takes a pool, or every pool of a node, out of service, and with `--undo` puts it back. [B-101 C-263] */
export async function drain(context: CliContext, globals: DrainOptions, id: string): Promise<number> {
  const deadline = globals.deadline === undefined ? {} : { deadline_ms: millisecondsOf(globals.deadline, '--deadline') };
  return await withClient(context, globals, async (client) => {
    const path = await pathOf(client, id);
    if (globals.undo) {
      await client.remove(path);
      if (globals.json) printJson(context, { id, drained: false });
      else context.out.write(`${id} is back in service\n`);
      return EXIT.done;
    }
    const operation = globals.wait ? await runOperation(context, client, { path, body: deadline, label: `draining ${id}` }) : await client.post(path, deadline, checkOperation);
    if (globals.json) printJson(context, operation);
    else context.out.write(operation.state === 'running' ? `${id} takes no more work; what runs there may end first (operation ${operation.operation_id})\n` : `${id} is drained; put it back with corral drain ${id} --undo\n`);
    return EXIT.done;
  });
}

/** A pool where there is one of that name, else a node; the server says what is near where there is neither. */
async function pathOf(client: CorralClient, id: string): Promise<string> {
  const isPool = (await fetchPools(client)).some(({ pool_id }) => pool_id === id);
  return `/v2/${isPool ? 'pools' : 'nodes'}/${encodeURIComponent(id)}/drain`;
}
