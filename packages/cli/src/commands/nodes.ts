import { NodeList, validator, type NodeSummary } from '@corral/contracts';
import type { Colors } from 'picocolors/types.js';
import type { CliContext } from '../cli-context.js';
import type { CorralClient } from '../client/corral-client.js';
import { ago, NOTHING } from '../render/shown.js';
import { renderTable } from '../render/table.js';
import { printJson, withClient, type Globals } from './globals.js';

const checkNodes = validator(NodeList);

export async function fetchNodes(client: CorralClient): Promise<NodeSummary[]> {
  return (await client.get('/v2/nodes', checkNodes)).data;
}

/** `corral nodes`: the machines, and whether they report. */
export async function nodes(context: CliContext, globals: Globals): Promise<void> {
  const list = await withClient(context, globals, fetchNodes);
  if (globals.json) printJson(context, list);
  else context.out.write(`${renderNodes(list, context.colors)}\n`);
}

export function renderNodes(list: readonly NodeSummary[], colors: Colors): string {
  if (list.length === 0) return 'no nodes: start pool-managerd on a machine and give it this server as ORCHESTRATOR_URL';
  const head = ['node', 'state', 'address', 'last report', 'version', 'pools', 'models', 'why'];
  const rows = list.map((node) => [
    node.node_id,
    node.online ? colors.green(node.state) : colors.red(node.state),
    node.address,
    node.last_heartbeat_ms === null ? 'never' : ago(node.last_heartbeat_ms),
    node.version ?? NOTHING,
    node.pools.join(' ') || NOTHING,
    node.models.join(' ') || NOTHING,
    node.last_error ?? NOTHING,
  ]);
  return renderTable(head, rows, colors);
}
