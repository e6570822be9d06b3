import type { Assignment } from '@corral/contracts';

/** `model` and everything else are those of instance `name`, wanted resident on node n1, pool p1, unless told otherwise. */
export function anAssignment(name: string, over: Partial<Assignment> = {}): Assignment {
  return {
    instance_id: name,
    org_id: 'default',
    tier: 'demand',
    wanted: 'resident',
    model_ref: name,
    model: { model_id: name, sources: [`file:/models/${name}.gguf`], digest: null, context: 256, slots: 2, pinned: false },
    digest: null,
    config_hash: 'c0',
    generation: 1,
    source: 'demand',
    reason: `somebody asked for ${name}`,
    target: { node_id: 'n1', pool_id: 'p1' },
    correlation_id: `corr-${name}`,
    ...over,
  };
}
