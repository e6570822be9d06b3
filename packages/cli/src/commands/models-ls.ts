import type { NodeSummary, OpenAiModelList } from '@corral/contracts';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { ServerRefusal } from '../client/server-refusal.js';
import { checkModels } from '../client/served-models.js';
import { NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';
import { fetchNodes } from './nodes.js';
import { fetchPools } from './pools.js';
import { residentRows, type ResidentRow } from './ps.js';

/** What can be asked for, as `models ls --json` prints it. */
export interface ServedRow {
  /** What to send as `model`. */
  readonly id: string;
  readonly owned_by: string;
  /** Nodes that have the weights on disk. */
  readonly nodes: readonly string[];
  readonly replicas: readonly { readonly pool_id: string; readonly replica_id: string; readonly state: string }[];
}

/** `corral models ls`: what can be asked for, and where it is. */
export async function modelsLs(context: CliContext, globals: Globals): Promise<void> {
  const rows = await withClient(context, globals, async (client) => {
    const [models, nodes, pools] = await Promise.all([client.get('/v1/models', checkModels), whereAllowed(fetchNodes(client)), whereAllowed(fetchPools(client))]);
    return servedRows(models, nodes, residentRows(pools));
  });
  if (globals.json) printJson(context, rows);
  else context.out.write(`${renderServed(rows, context.colors)}\n`);
}

/** Where models lie is shown to those who may look at nodes and pools; a member sees the names. */
async function whereAllowed<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ServerRefusal && error.envelope.code === 'ROLE_REQUIRED') return [];
    throw error;
  }
}

/** In the server's order: routes and instances first, as it lists them. */
export function servedRows({ data }: OpenAiModelList, nodes: readonly NodeSummary[], resident: readonly ResidentRow[]): ServedRow[] {
  return data.map(({ id, owned_by }) => ({
    id,
    owned_by,
    nodes: nodes.filter((node) => node.models.includes(id)).map((node) => node.node_id),
    replicas: resident.filter((row) => row.model_id === id).map(({ pool_id, replica_id, state }) => ({ pool_id, replica_id, state })),
  }));
}

export function renderServed(rows: readonly ServedRow[], colors: Colors): string {
  if (rows.length === 0) return 'no models: list one under models: in the manifest and start again with --manifest FILE';
  const cells = rows.map((row) => [
    colors.bold(row.id),
    row.owned_by,
    row.nodes.join(' ') || NOTHING,
    row.replicas.map(({ pool_id, state }) => `${pool_id} (${state})`).join(' ') || NOTHING,
  ]);
  return renderTable(['model', 'owner', 'on disk', 'in memory'], cells, colors);
}
