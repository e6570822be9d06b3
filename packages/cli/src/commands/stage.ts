import { ModelStaging, validator } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { CliContext } from '../cli-context.js';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import { printJson, withClient, type Globals } from './globals.js';

const check = validator(ModelStaging);
const POLL_MS = 250;

/** `corral stage MODEL`: copies the weights into the RAM of the nodes that have them, and waits until they are there. [C-231] */
export async function stage(context: CliContext, globals: Globals & { readonly wait: boolean }, modelId: string): Promise<number> {
  const path = `/v2/catalog/models/${encodeURIComponent(modelId)}/stage`;
  const seen = await withClient(context, globals, async (client) => {
    let staging = await client.post(path, undefined, check);
    let told = '';
    while (globals.wait && staging.nodes.some(({ state }) => state === 'staging')) {
      const line = `staging ${modelId}: ${staging.nodes.map(progressOf).join(', ')}`;
      if (line !== told) context.err.write(`${line}\n`);
      told = line;
      await context.clock.sleep(POLL_MS);
      staging = await client.get(path, check);
    }
    return staging;
  });
  if (globals.json) printJson(context, seen);
  else for (const node of seen.nodes) context.out.write(`${lineOf(modelId, node)}\n`);
  const failed = seen.nodes.find(({ state }) => state === 'not_staged');
  if (failed !== undefined && globals.wait && !globals.json) throw new CliFailure(failed.last_error ?? `${modelId} was not staged on ${failed.node_id}`, { next: 'look at the log of that node with corral logs' });
  return failed === undefined ? EXIT.done : EXIT.failed;
}

function progressOf({ node_id, progress }: ModelStaging['nodes'][number]): string {
  return `${node_id} ${progress === null ? 'done' : `${Math.floor(progress * 10) * 10} %`}`;
}

function lineOf(modelId: string, { node_id, state, size_bytes }: ModelStaging['nodes'][number]): string {
  switch (state) {
    case 'staged':
      return `${modelId} is staged on ${node_id}, ${formatBytes(size_bytes)}`;
    case 'staging':
      return `${modelId} is being staged on ${node_id}, ${formatBytes(size_bytes)}`;
    case 'not_staged':
      return `${modelId} is not staged on ${node_id}`;
  }
}
