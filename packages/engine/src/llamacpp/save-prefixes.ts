import type { LlamaModel } from 'node-llama-cpp';
import { messageOf } from '../message-of.js';
import type { SavedPrefixes } from '../port.js';
import type { Prompt, SaveRequest } from '../worker/text-model.js';
import { writeLog } from '../worker/worker-log.js';
import type { BatchGate } from './batch-gate.js';
import { KeptPrefix } from './kept-prefix.js';
import type { LlamaSlot } from './llama-slots.js';
import type { PrefixFolder } from './prefix-folder.js';
import type { PrefixHeader } from './prefix-header.js';

/** Less is evaluated again sooner than it is worth a file. */
const SAVED_MIN_TOKENS = 64;

export interface SaveParts {
  readonly folder: PrefixFolder;
  readonly gate: BatchGate;
  readonly slots: readonly LlamaSlot[];
  /** Of a state's file, as far as it is known before one is written. */
  readonly bytesPerToken: number;
  /** Longer prefixes are cut: the engine would leave some of their state out. */
  readonly tokensMax: number;
}

/**
 * Writes what idle slots hold into the folder, the slot that was used last first. Where the limit has no room for all of a prefix its
 * beginning is kept: that is what conversations share. Returns the slots with what is kept for them from now on. [C-243 C-247]
 */
export async function savePrefixes({ folder, gate, slots, bytesPerToken, tokensMax }: SaveParts, request: SaveRequest): Promise<{ readonly slots: LlamaSlot[]; readonly saved: SavedPrefixes }> {
  const next = [...slots];
  const chunk = folder.identity.chunkTokens;
  for (const index of request.slots) {
    const slot = next[index];
    const held = slot?.memory.held;
    if (slot === undefined || held === undefined || request.isStopped()) continue;
    const leftBytes = request.maxBytes - sizeOf(next.filter((other) => other !== slot));
    const fitting = Math.min(held.tokens.length, tokensMax, Math.floor(leftBytes / bytesPerToken));
    const prompt: Prompt = { tokens: held.tokens.slice(0, Math.floor(fitting / chunk) * chunk), scope: held.scope };
    if (prompt.tokens.length < SAVED_MIN_TOKENS || slot.kept?.covers(prompt) === true) continue;
    const header = await write(folder, { index, slot, prompt }, gate);
    next[index] = slot.withKept(header === null ? null : new KeptPrefix(folder, header));
  }
  for (const [index, slot] of next.entries()) {
    // What was kept before and does not fit any longer.
    if (slot.kept?.isUsable !== true || sizeOf(next) <= request.maxBytes) continue;
    folder.drop(slot.kept.header, 'the prefixes may take less memory');
    next[index] = slot.withKept(null);
  }
  const kept = next.flatMap((slot) => (slot.kept?.isUsable === true ? [slot.kept.header] : []));
  return { slots: next, saved: { prefixes: kept.length, tokens: kept.reduce((sum, { tokens }) => sum + tokens.length, 0), sizeBytes: sizeOf(next) } };
}

/** The type that the engine keeps keys and values in. */
const BYTES_PER_VALUE = 2;
/** Position, sequence and token, which stand beside the values. */
const BYTES_PER_CELL = 32;

/** What a token takes in the file of a state, as the model's file describes its layers; `null` where it does not. */
export function stateBytesPerToken({ fileInfo }: Pick<LlamaModel, 'fileInfo'>): number | null {
  const { block_count: layers = NaN, embedding_length: width = NaN, attention } = fileInfo.architectureMetadata;
  const { head_count: heads, head_count_kv: kvHeads = heads, key_length, value_length } = attention ?? {};
  const ownWidth = typeof heads === 'number' ? width / heads : NaN;
  const allHeads = Array.isArray(kvHeads) ? kvHeads.reduce((sum, each) => sum + each, 0) : (kvHeads ?? NaN) * layers;
  const bytes = allHeads * ((key_length ?? ownWidth) + (value_length ?? ownWidth)) * BYTES_PER_VALUE + BYTES_PER_CELL;
  return Number.isFinite(bytes) && bytes > BYTES_PER_CELL ? bytes : null;
}

/** `null` when it could not be written: a full disk costs the next conversation its time, and nothing else. */
async function write(folder: PrefixFolder, { index, slot, prompt }: { readonly index: number; readonly slot: LlamaSlot; readonly prompt: Prompt }, gate: BatchGate): Promise<PrefixHeader | null> {
  const { sequence, memory } = slot;
  try {
    await gate.exclusively(async () => {
      if (sequence.nextTokenIndex !== prompt.tokens.length) await sequence.adaptStateToTokens(prompt.tokens as Parameters<typeof sequence.adaptStateToTokens>[0], false);
    });
    // Where the engine could not cut it off there, what is left is not what the header would say.
    const isThere = sequence.nextTokenIndex === prompt.tokens.length && sequence.stateCellsStartIndex <= 0;
    memory.keep(prompt, isThere ? prompt.tokens.length : 0);
    if (!isThere) return null;
    return await folder.write({ slot: index, ...prompt }, async (path) => void (await sequence.saveStateToFile(path)));
  } catch (error) {
    writeLog('warn', 'a prefix was not kept', { slot: index, tokens: prompt.tokens.length, error: messageOf(error) });
    return null;
  }
}

function sizeOf(slots: readonly LlamaSlot[]): number {
  return slots.reduce((sum, { kept }) => sum + (kept?.isUsable === true ? kept.header.sizeBytes : 0), 0);
}
