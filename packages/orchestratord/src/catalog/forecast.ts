import { largestContext, requiredMemoryBytes, type DeviceMemory, type ModelFacts as Facts } from '@corral/catalog-core';
import type { MemoryModel, ModelFacts, PoolForecast } from '@corral/contracts';
import { formatBytes } from '@corral/service-kit';
import type { PoolView } from '../nodes/node-view.js';

/** The shape in which a model would be loaded. */
export interface ForecastShape {
  readonly context: number;
  readonly slots: number;
}

/**
 * What a model will need of each pool that could load it, and the largest context that it takes there, from the facts of its
 * file alone. A server that is attached has the model that it has. Pure. [A-160]
 */
export function forecastOf(facts: ModelFacts | null, shape: ForecastShape, pools: readonly PoolView[]): readonly PoolForecast[] {
  const known = facts === null ? null : coreFacts(facts);
  return pools.filter(({ status }) => status.attached === undefined).map((pool) => forecastOn(known, shape, pool));
}

function forecastOn(facts: Facts | null, { context, slots }: ForecastShape, { poolId, nodeId, status }: PoolView): PoolForecast {
  const { device_kind: deviceKind, memory_total_bytes: memoryBytes } = status;
  const unknown = { pool_id: poolId, node_id: nodeId, device_kind: deviceKind, fits: null, weights_bytes: null, kv_bytes_per_token: null, required_bytes: null, memory_bytes: memoryBytes, largest_context: null };
  if (deviceKind === null) return { ...unknown, reason: 'the pool has no usable device; see its last_error in corral pools' };
  if (facts === null) return { ...unknown, reason: 'no node has read the file yet; fetch it with corral models pull' };
  const memory = facts.memory[deviceKind];
  const requiredBytes = requiredMemoryBytes(facts, { deviceKind, context, slots });
  const largest = largestContext(facts, { deviceKind, memoryBytes, slots });
  if (memory === undefined || requiredBytes === null) return { ...unknown, reason: `no node has figures for ${deviceKind} yet; they come with the first load there` };
  const fits = requiredBytes <= memoryBytes;
  const need = `${formatBytes(requiredBytes)} of ${formatBytes(memoryBytes)} with ${slots} × ${context} tokens`;
  return {
    ...unknown,
    fits,
    weights_bytes: memory.measured?.at(-1)?.weightsBytes ?? memory.weightsBytes.deviceBytes,
    kv_bytes_per_token: memory.contextMemory.perCellBytes,
    required_bytes: requiredBytes,
    largest_context: largest,
    reason: fits ? `needs ${need}` : `needs ${need}; ${largest === null || largest === 0 ? 'not even its weights with the smallest context fit' : `a context of ${largest} would fit`}`,
  };
}

/** The facts of the wire as the rules read them. */
function coreFacts(facts: ModelFacts): Facts {
  const memory = Object.entries(facts.memory).map(([kind, one]) => [kind, coreMemory(one)] as const);
  return {
    architecture: facts.architecture,
    name: facts.name,
    quant: facts.quant,
    layers: facts.layers,
    embeddingLength: facts.embedding_length,
    vocabSize: facts.vocab_size,
    trainContext: facts.train_context,
    hasChatTemplate: facts.has_chat_template,
    memory: Object.fromEntries(memory),
  };
}

function coreMemory({ weights_device_bytes, weights_host_bytes, context_base_bytes, context_per_cell_bytes, measured = [] }: MemoryModel): DeviceMemory {
  return {
    weightsBytes: { deviceBytes: weights_device_bytes, hostBytes: weights_host_bytes },
    contextMemory: { baseBytes: context_base_bytes, perCellBytes: context_per_cell_bytes },
    measured: measured.map((one) => ({ context: one.context, slots: one.slots, weightsBytes: one.weights_bytes, contextBytes: one.context_bytes })),
  };
}
