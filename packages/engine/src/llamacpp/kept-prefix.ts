import type { LlamaContextSequence } from 'node-llama-cpp';
import { messageOf } from '../message-of.js';
import { writeLog } from '../worker/worker-log.js';
import type { Prompt } from '../worker/text-model.js';
import type { BatchGate } from './batch-gate.js';
import type { PrefixFolder } from './prefix-folder.js';
import type { PrefixHeader } from './prefix-header.js';
import { SlotMemory } from './slot-memory.js';

/** What became of a sequence that a prefix was to be read into. */
export type Restored = 'restored' | 'untouched' | 'lost';

/** A prefix that lies in a file for one slot. It is read when a prompt begins with it, and stays for the next one. [C-243] */
export class KeptPrefix {
  readonly #memory: SlotMemory;
  #isUsable = true;

  constructor(
    private readonly folder: PrefixFolder,
    readonly header: PrefixHeader,
  ) {
    this.#memory = new SlotMemory(folder.identity.chunkTokens, Number.POSITIVE_INFINITY);
    this.#memory.keep(this.prompt, header.tokens.length);
  }

  get prompt(): Prompt {
    return this.header;
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Tokens of the prompt that need no evaluation once it is read. */
  reusableTokens(prompt: Prompt): number {
    return this.#isUsable ? this.#memory.prefixOf(prompt).reusableTokens : 0;
  }

  /** Whether it holds all of these tokens of this scope. */
  covers({ tokens, scope }: Prompt): boolean {
    const held = this.header.tokens;
    return this.#isUsable && scope === this.header.scope && tokens.length <= held.length && tokens.every((token, n) => token === held[n]);
  }

  /** Reads the state into the sequence, in which nothing runs. Its file is verified before the engine sees it. */
  async restore(sequence: LlamaContextSequence, gate: BatchGate): Promise<Restored> {
    const { folder, header } = this;
    if (!(await folder.isWhole(header))) return this.#giveUp('its state is not the one that was saved', 'untouched');
    const putBack = folder.hide(header);
    try {
      await gate.exclusively(async () => {
        if (sequence.nextTokenIndex > 0) await sequence.clearHistory();
        await sequence.loadStateFromFile(folder.stateOf(header.file), { acceptRisk: true });
      });
    } catch (error) {
      return this.#giveUp(`the engine refused it: ${messageOf(error)}`, 'lost');
    }
    const { contextTokens } = sequence;
    const isSame = contextTokens.length === header.tokens.length && contextTokens.every((token, n) => Number(token) === header.tokens[n]);
    if (!isSame || sequence.stateCellsStartIndex > 0) return this.#giveUp('the engine read something else', 'lost');
    putBack();
    return 'restored';
  }

  #giveUp(reason: string, restored: Restored): Restored {
    this.#isUsable = false;
    this.folder.drop(this.header, reason);
    return restored;
  }
}

/** The prefixes of a folder by slot. A folder that cannot be read has none: what is lost is time. */
export function keptPrefixes(folder: PrefixFolder | null): ReadonlyMap<number, KeptPrefix> {
  if (folder === null) return new Map();
  try {
    return new Map(folder.list().map((header) => [header.slot, new KeptPrefix(folder, header)]));
  } catch (error) {
    writeLog('warn', 'kept prefixes cannot be read', { folder: folder.path, error: messageOf(error) });
    return new Map();
  }
}
