import type { CatalogAvailability, NodeSummary } from '@corral/contracts';
import type { FleetSources } from './fleet-look.js';

/** Which node has which models, and which model is where. Pure. [B-96] */
export function availabilityOf({ places, pools }: Pick<FleetSources, 'places' | 'pools'>, nodes: readonly NodeSummary[]): CatalogAvailability {
  const addresses = new Map(nodes.map(({ node_id, address }) => [node_id, address]));
  const models = new Map<string, { nodes: string[]; online_nodes: string[]; resident_pools: string[] }>();
  const entryOf = (id: string) => {
    const known = models.get(id) ?? { nodes: [], online_nodes: [], resident_pools: [] };
    models.set(id, known);
    return known;
  };
  const byNode = places.map((place) => {
    const ids = [...new Set(place.models.map(({ model_id }) => model_id))].sort();
    for (const id of ids) {
      entryOf(id).nodes.push(place.nodeId);
      if (place.online) entryOf(id).online_nodes.push(place.nodeId);
    }
    const own = pools.filter(({ nodeId }) => nodeId === place.nodeId).map(({ poolId, online, status }) => {
      const loaded = [...new Set(status.replicas.filter(({ state }) => state === 'resident').map(({ model_id }) => model_id))].sort();
      for (const id of loaded) entryOf(id).resident_pools.push(poolId);
      return { pool_id: poolId, ready: online && status.ready, models: loaded };
    });
    return [place.nodeId, { node_id: place.nodeId, address: addresses.get(place.nodeId) ?? '', online: place.online, models: ids, pools: own }] as const;
  });
  const counted = [...models].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    nodes: Object.fromEntries(byNode),
    models: Object.fromEntries(counted),
    total_models: counted.length,
    replicated_models: counted.flatMap(([id, { nodes: on }]) => (on.length > 1 ? [id] : [])),
    single_node_models: counted.flatMap(([id, { nodes: on }]) => (on.length === 1 ? [id] : [])),
  };
}
