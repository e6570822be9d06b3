import type { FieldReader } from './field-reader.js';
import { DEVICE_KINDS } from './model-facts.js';
import type { DeviceKind, DeviceMemory, MeasuredMemory, ModelFacts } from './model-facts.js';

/** Facts as they are written in the index. */
export function encodeFacts(facts: ModelFacts): object {
  const memory: Record<string, object> = {};
  for (const kind of DEVICE_KINDS) {
    const figures = facts.memory[kind];
    if (figures === undefined) continue;
    memory[kind] = {
      weights_bytes: { device_bytes: figures.weightsBytes.deviceBytes, host_bytes: figures.weightsBytes.hostBytes },
      context_memory: { base_bytes: figures.contextMemory.baseBytes, per_cell_bytes: figures.contextMemory.perCellBytes },
      ...(figures.measured === undefined ? {} : { measured: figures.measured.map(encodeMeasured) }),
    };
  }
  return {
    architecture: facts.architecture,
    name: facts.name,
    quant: facts.quant,
    layers: facts.layers,
    embedding_length: facts.embeddingLength,
    vocab_size: facts.vocabSize,
    train_context: facts.trainContext,
    has_chat_template: facts.hasChatTemplate,
    memory,
  };
}

/** Facts read back; problems are noted in the reader. */
export function decodeFacts(fields: FieldReader): ModelFacts {
  return {
    architecture: fields.text('architecture'),
    name: fields.textOrNull('name'),
    quant: fields.textOrNull('quant'),
    layers: fields.number('layers'),
    embeddingLength: fields.number('embedding_length'),
    vocabSize: fields.number('vocab_size'),
    trainContext: fields.number('train_context'),
    hasChatTemplate: fields.flag('has_chat_template'),
    memory: decodeMemory(fields.child('memory')),
  };
}

function decodeMemory(fields: FieldReader): ModelFacts['memory'] {
  const memory: Partial<Record<DeviceKind, DeviceMemory>> = {};
  for (const name of fields.names) {
    const kind = DEVICE_KINDS.find((known) => known === name);
    if (kind === undefined) {
      fields.note(name, 'is no device kind');
      continue;
    }
    const figures = fields.child(name);
    const weights = figures.child('weights_bytes');
    const context = figures.child('context_memory');
    memory[kind] = {
      weightsBytes: { deviceBytes: weights.number('device_bytes'), hostBytes: weights.number('host_bytes') },
      contextMemory: { baseBytes: context.number('base_bytes'), perCellBytes: context.number('per_cell_bytes') },
      ...(figures.raw('measured') === undefined ? {} : { measured: figures.children('measured').map(decodeMeasured) }),
    };
  }
  return memory;
}

function encodeMeasured({ context, slots, weightsBytes, contextBytes }: MeasuredMemory): object {
  return { context, slots, weights_bytes: weightsBytes, context_bytes: contextBytes };
}

function decodeMeasured(fields: FieldReader): MeasuredMemory {
  return { context: fields.number('context'), slots: fields.number('slots'), weightsBytes: fields.number('weights_bytes'), contextBytes: fields.number('context_bytes') };
}
