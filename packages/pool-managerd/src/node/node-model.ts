import type { CatalogEntry, DeviceMemory, ModelFacts } from '@corral/catalog-core';
import type { MemoryModel, ModelFacts as WireFacts, NodeModel } from '@corral/contracts';

/** An artifact of this node as the wire shows it. */
export function nodeModel(entry: CatalogEntry): NodeModel {
  return {
    model_id: entry.id,
    digest: entry.digest,
    size_bytes: entry.sizeBytes,
    lifecycle: entry.lifecycle,
    pinned: entry.pinned,
    verification: entry.verification,
    last_verified_ms: entry.lastVerifiedMs,
    created_ms: entry.createdMs,
    last_used_ms: entry.lastUsedMs,
    retired_at_ms: entry.retiredAtMs,
    external: entry.external,
    facts: entry.facts === null ? null : wireFacts(entry.facts),
  };
}

/** The facts of a file as the wire shows them. */
function wireFacts(facts: ModelFacts): WireFacts {
  return {
    architecture: facts.architecture,
    name: facts.name,
    quant: facts.quant,
    layers: facts.layers,
    embedding_length: facts.embeddingLength,
    vocab_size: facts.vocabSize,
    train_context: facts.trainContext,
    has_chat_template: facts.hasChatTemplate,
    memory: Object.fromEntries(Object.entries(facts.memory).map(([kind, memory]) => [kind, memoryModel(memory)])),
  };
}

function memoryModel({ weightsBytes, contextMemory, measured = [] }: DeviceMemory): MemoryModel {
  return {
    weights_device_bytes: weightsBytes.deviceBytes,
    weights_host_bytes: weightsBytes.hostBytes,
    context_base_bytes: contextMemory.baseBytes,
    context_per_cell_bytes: contextMemory.perCellBytes,
    measured: measured.map((one) => ({ context: one.context, slots: one.slots, weights_bytes: one.weightsBytes, context_bytes: one.contextBytes })),
  };
}
