import type { DeviceKind, ModelFacts } from './model-facts.js';

/** The engine reserves context in blocks of this many cells per sequence. */
const CELL_BLOCK = 256;

/** Cells that a replica reserves: `context` tokens per slot, rounded up to whole blocks, times its slots. */
export function contextCells(context: number, slots: number): number {
  return Math.max(1, Math.ceil(context / CELL_BLOCK)) * CELL_BLOCK * slots;
}

/**
 * Device memory in bytes that a replica needs: weights, KV cache and compute buffers, rounded up.
 *
 * Returns `null` when the facts hold no figures for this device kind; ask the engine again on such a device.
 */
export function requiredMemoryBytes(
  facts: ModelFacts,
  replica: { readonly deviceKind: DeviceKind; readonly context: number; readonly slots: number },
): number | null {
  const memory = facts.memory[replica.deviceKind];
  if (memory === undefined) return null;
  const { baseBytes, perCellBytes } = memory.contextMemory;
  return Math.ceil(memory.weightsBytes.deviceBytes + baseBytes + perCellBytes * contextCells(replica.context, replica.slots));
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
  const roomBytes = pool.memoryBytes - memory.weightsBytes.deviceBytes - baseBytes;
  const blockBytes = perCellBytes * CELL_BLOCK * pool.slots;
  if (roomBytes < blockBytes) return 0;
  const blocks = blockBytes === 0 ? Infinity : Math.floor(roomBytes / blockBytes);
  return Math.min(facts.trainContext, blocks * CELL_BLOCK);
}
