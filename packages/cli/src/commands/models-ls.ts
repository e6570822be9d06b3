import type { CatalogModel, NodeSummary, OpenAiModelList } from '@corral/contracts';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import { fetchModels } from '../client/catalog-calls.js';
import { ServerRefusal } from '../client/server-refusal.js';
import { checkModels } from '../client/served-models.js';
import { formatBytes } from '@corral/service-kit';
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
  /** Of a model of the catalog, for who may see it. */
  readonly state: CatalogModel['state'] | null;
  readonly pinned: boolean | null;
  readonly size_bytes: number | null;
  readonly tags: readonly string[];
  readonly replicas: readonly { readonly pool_id: string; readonly replica_id: string; readonly state: string }[];
}

export interface ModelsLsOptions extends Globals {
  readonly state?: string | undefined;
  readonly tag?: string | undefined;
  readonly node?: string | undefined;
  readonly query?: string | undefined;
}

/** `corral models ls`: what can be asked for, and where it is; retired models too. With a filter, the models of the catalog that it lets through. */
export async function modelsLs(context: CliContext, globals: ModelsLsOptions): Promise<void> {
  const { state, tag, node, query } = globals;
  const isFiltered = [state, tag, node, query].some((one) => one !== undefined);
  const rows = await withClient(context, globals, async (client) => {
    const catalog = fetchModels(client, { state, tag, node, q: query });
    const [models, nodes, pools, known] = await Promise.all([client.get('/v1/models', checkModels), whereAllowed(fetchNodes(client)), whereAllowed(fetchPools(client)), isFiltered ? catalog : whereAllowed(catalog)]);
    const all = servedRows(models, nodes, residentRows(pools), known);
    return isFiltered ? all.filter(({ id }) => known.some((one) => one.id === id)) : all;
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

/** In the server's order: routes and instances first, as it lists them; after them what the catalog has and nobody may ask for. */
export function servedRows({ data }: OpenAiModelList, nodes: readonly NodeSummary[], resident: readonly ResidentRow[], catalog: readonly CatalogModel[] = []): ServedRow[] {
  const known = new Map(catalog.map((model) => [model.id, model]));
  const named = new Set(data.map(({ id }) => id));
  const all = [...data, ...catalog.filter(({ id }) => !named.has(id)).map(({ id }) => ({ id, owned_by: 'corral' }))];
  return all.map(({ id, owned_by }) => {
    const model = known.get(id);
    return {
      id,
      owned_by,
      state: model?.state ?? null,
      pinned: model?.pinned ?? null,
      size_bytes: model?.size_bytes ?? null,
      tags: model?.tags ?? [],
      nodes: nodes.filter((node) => node.models.includes(id)).map((node) => node.node_id),
      replicas: resident.filter((row) => row.model_id === id).map(({ pool_id, replica_id, state }) => ({ pool_id, replica_id, state })),
    };
  });
}

export function renderServed(rows: readonly ServedRow[], colors: Colors): string {
  if (rows.length === 0) return 'no models: list one under models: in the manifest, or add one with corral models add';
  const cells = rows.map((row) => [
    colors.bold(row.id),
    row.state === null ? NOTHING : `${row.state}${row.pinned === true ? ', pinned' : ''}`,
    row.size_bytes === null ? NOTHING : formatBytes(row.size_bytes),
    row.owned_by,
    row.nodes.join(' ') || NOTHING,
    row.replicas.map(({ pool_id, state }) => `${pool_id} (${state})`).join(' ') || NOTHING,
  ]);
  return renderTable(['model', 'state', 'size', 'owner', 'on disk', 'in memory'], cells, colors);
}
