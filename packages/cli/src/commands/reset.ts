import type { CliContext } from '../cli-context.js';
import { printJson, withClient, type Globals } from './globals.js';

/** `corral reset POOL`: forgets what failed in a pool, so that what is wanted there is tried at once. */
export async function reset(context: CliContext, globals: Globals, poolId: string): Promise<void> {
  await withClient(context, globals, (client) => client.postBare(`/v2/pools/${encodeURIComponent(poolId)}/reset`));
  if (globals.json) printJson(context, { pool_id: poolId, reset: true });
  else context.out.write(`reset ${poolId}: its failures are forgotten, and what is wanted there is tried at once\n`);
}
