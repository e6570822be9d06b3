import type { DeviceKind, DeviceMemory, ModelFacts } from './model-facts.js';

/** The engine reserves context in blocks of this many cells per sequence. */
const CELL_BLOCK = 256;

/** Cells that a replica reserves: `context` tokens per slot, rounded up to whole blocks, times its slots. */
export function contextCells(context: number, slots: number): number {
  return Math.max(1, Math.ceil(context / CELL_BLOCK)) * CELL_BLOCK * slots;
}

/**
 * Device memory in bytes that a replica needs: weights, KV cache and compute buffers, rounded up. What this shape took
 * when it was last loaded counts before any estimate, and the weights of any shape before theirs. [D-60]
 *
 * Returns `null` when the facts hold no figures for this device kind; ask the engine again on such a device.
 */
export function requiredMemoryBytes(
  facts: ModelFacts,
  replica: { readonly deviceKind: DeviceKind; readonly context: number; readonly slots: number },
): number | null {
  const memory = facts.memory[replica.deviceKind];
  if (memory === undefined) return null;
  const measured = memory.measured?.find((one) => one.context === replica.context && one.slots === replica.slots);
  if (measured !== undefined) return measured.weightsBytes + measured.contextBytes;
  const { baseBytes, perCellBytes } = memory.contextMemory;
  return Math.ceil(weightsOf(memory) + baseBytes + perCellBytes * contextCells(replica.context, replica.slots));
}

/** What the weights take of the device: as measured last, else as estimated. */
function weightsOf({ weightsBytes, measured = [] }: DeviceMemory): number {
  return measured.at(-1)?.weightsBytes ?? weightsBytes.deviceBytes;
}

/**
 * The largest context in tokens per slot with which a replica fits in `memoryBytes`, at most the trained context.
 *
 * Returns 0 when not even one block per slot fits, `null` when the facts hold no figures for this device kind.
 */
export function largestContext(
  facts: ModelFacts,
  pool: { readonly deviceKind: DeviceKind; readonly memoryBytes: number; readonly slots: number },
): number | null {
  const memory = facts.memory[pool.deviceKind];
  if (memory === undefined) return null;
  const { baseBytes, perCellBytes } = memory.contextMemory;
  const roomBytes = pool.memoryBytes - weightsOf(memory) - baseBytes;
  const blockBytes = perCellBytes * CELL_BLOCK * pool.slots;
  if (roomBytes < blockBytes) return 0;
  const blocks = blockBytes === 0 ? Infinity : Math.floor(roomBytes / blockBytes);
  return Math.min(facts.trainContext, blocks * CELL_BLOCK);
}
