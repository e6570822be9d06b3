import type { NodeState } from '@corral/contracts';
import { REPORT_LIMITS } from './registry-options.js';

/** What makes a well-formed report unacceptable; `null` when nothing does. Pure. */
export function reportProblem(state: NodeState, said: { readonly node_id: string; readonly address?: string }): { readonly field: string; readonly message: string } | null {
  if (state.node_id !== said.node_id) return { field: 'state.node_id', message: `is ${state.node_id}, but the report is of ${said.node_id}; send both alike` };
  const foreign = state.pools.find(({ node_id }) => node_id !== said.node_id);
  if (foreign !== undefined) return { field: 'state.pools', message: `pool ${foreign.pool_id} says that it is on ${foreign.node_id}; report only pools of ${said.node_id}` };
  for (const [list, max] of Object.entries(REPORT_LIMITS) as [keyof typeof REPORT_LIMITS, number][]) {
    if (state[list].length > max) return { field: `state.${list}`, message: `has ${state[list].length} entries; at most ${max} are kept` };
  }
  if (said.address !== undefined && !isHttpUrl(said.address)) return { field: 'address', message: `"${said.address}" is not a URL; set ADVERTISE_URL to http://host:port of the node` };
  return null;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}
