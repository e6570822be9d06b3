import type { DeviceKind, MeasuredMemory, ModelFacts } from './model-facts.js';

/** Shapes of one model that are remembered for each device kind; the one measured longest ago is forgotten. */
const SHAPES_MAX = 16;

/**
 * The facts with what a replica really took of a device. [D-60]
 *
 * Returns the same object when that is known already, or when the facts have no figures for this device kind.
 */
export function noteMeasured(facts: ModelFacts, deviceKind: DeviceKind, latest: MeasuredMemory): ModelFacts {
  const memory = facts.memory[deviceKind];
  if (memory === undefined) return facts;
  const { measured = [] } = memory;
  const known = measured.find((one) => isSameShape(one, latest));
  if (known !== undefined && known.weightsBytes === latest.weightsBytes && known.contextBytes === latest.contextBytes) return facts;
  const others = measured.filter((one) => !isSameShape(one, latest));
  return { ...facts, memory: { ...facts.memory, [deviceKind]: { ...memory, measured: [...others, latest].slice(-SHAPES_MAX) } } };
}

function isSameShape(a: MeasuredMemory, b: MeasuredMemory): boolean {
  return a.context === b.context && a.slots === b.slots;
}
