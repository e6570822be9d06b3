import type { Assignment, ModelFacts, ModelOnNode, NodeModel } from '@corral/contracts';
import type { NodePlace, PoolView } from '../nodes/node-view.js';

/** Everything that nodes report, as it is at one moment. */
export interface FleetSources {
  readonly places: readonly NodePlace[];
  readonly pools: readonly PoolView[];
  readonly wanted: readonly Assignment[];
}

/** A model's file on one node. */
export interface Holder {
  readonly place: NodePlace;
  readonly model: NodeModel;
}

/** Models of one report by id; a report is never changed, so this is made once for each. */
const byId = new WeakMap<readonly NodeModel[], ReadonlyMap<string, NodeModel>>();

/** The models of a node's report by id. */
export function modelsOf({ models }: Pick<NodePlace, 'models'>): ReadonlyMap<string, NodeModel> {
  const known = byId.get(models);
  if (known !== undefined) return known;
  const made = new Map(models.map((model) => [model.model_id, model]));
  byId.set(models, made);
  return made;
}

/** One look at all nodes, for many questions about models: what it costs does not grow with the number of models. */
export class FleetLook {
  readonly #resident = new Map<string, number>();
  readonly #wanted = new Map<string, number>();
  readonly #staged = new Set<string>();

  constructor(readonly sources: FleetSources) {
    for (const { nodeId, status } of sources.pools) {
      for (const { model_id, state } of status.replicas) if (state === 'resident' || state === 'draining' || state === 'parked') add(this.#resident, `${nodeId} ${model_id}`);
    }
    for (const { wanted, target, model } of sources.wanted) if (wanted !== 'absent') add(this.#wanted, `${target.node_id} ${model.model_id}`);
    for (const { nodeId, staging } of sources.places) {
      for (const { digest, state } of staging?.entries ?? []) if (state === 'staged') this.#staged.add(`${nodeId} ${digest}`);
    }
  }

  /** Nodes that have a file under this id, ascending. */
  holders(modelId: string): readonly Holder[] {
    return this.sources.places.flatMap((place) => {
      const model = modelsOf(place).get(modelId);
      return model === undefined ? [] : [{ place, model }];
    });
  }

  /** Every node with something of the model: its file, or the wish to have it. */
  availability(modelId: string, digest: string | null): readonly ModelOnNode[] {
    return this.sources.places.flatMap((place): ModelOnNode[] => {
      const model = modelsOf(place).get(modelId);
      const key = `${place.nodeId} ${modelId}`;
      const [resident, wanted] = [this.#resident.get(key) ?? 0, this.#wanted.get(key) ?? 0];
      if (model === undefined && resident + wanted === 0) return [];
      return [{
        node_id: place.nodeId,
        online: place.online,
        present: model !== undefined && (digest === null || model.digest === digest),
        digest: model?.digest ?? null,
        size_bytes: model?.size_bytes ?? null,
        verification: model?.verification ?? null,
        last_verified_ms: model?.last_verified_ms ?? null,
        last_used_ms: model?.last_used_ms ?? null,
        pinned: model?.pinned ?? null,
        resident,
        staged: model !== undefined && this.#staged.has(`${place.nodeId} ${model.digest}`),
        wanted,
      }];
    });
  }

  /** What the nodes that have this file know of it; each knows the figures of its own device kinds. */
  factsOf(modelId: string, digest: string | null): ModelFacts | null {
    const known = this.holders(modelId).flatMap(({ model }) => (model.facts === null || (digest !== null && model.digest !== digest) ? [] : [model.facts]));
    const [first] = known;
    return first === undefined ? null : { ...first, memory: Object.assign({}, ...known.toReversed().map(({ memory }) => memory)) as ModelFacts['memory'] };
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
