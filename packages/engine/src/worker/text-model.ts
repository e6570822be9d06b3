import type { GenerateInput, Sampling } from '@corral/contracts';
import type { ReplicaInfo, SavedPrefixes } from '../port.js';

/** What the shared batch has done since the start. */
export interface BatchStats {
  /** Calls of the engine that decoded at least one sequence's next token. */
  readonly decode_steps: number;
  /** Index n: decode steps that held n sequences. */
  readonly sequences_per_step: readonly number[];
  /** Graphs that the engine ran for the decode steps; equal to their number at best. */
  readonly decode_micro_batches: number;
  readonly decoded_tokens: number;
}

/** What the runs have done since the start. */
export interface RunStats {
  readonly prefill_chunks: number;
  readonly prefill_tokens: number;
  /** Runs that did not evaluate the whole of their prompt, because the slot held the beginning. */
  readonly prefix_hits: number;
  /** Prompt tokens that were not evaluated for that reason. */
  readonly cached_tokens: number;
  /** Chunks and tokens that came after their run had been told to stop: at most one of either per run. */
  readonly chunks_after_stop: number;
  readonly tokens_after_stop: number;
}

/** For `GET /stats`. */
export type DecodeStats = BatchStats & RunStats;

/** What a slot could spare one prompt, and what taking it would lose. */
export interface SlotPrefix {
  /** Tokens at the beginning of the prompt that need no evaluation in this slot. */
  readonly reusableTokens: number;
  /** Tokens that the slot holds for later prompts. */
  readonly heldTokens: number;
}

export interface Prompt {
  readonly tokens: readonly number[];
  /** What a slot holds of one scope is nothing to the others. [C-163] */
  readonly scope: string;
}

export interface SaveRequest {
  /** Those that may be written: nothing runs there until it is through. */
  readonly slots: readonly number[];
  readonly maxBytes: number;
  /** No further one is written once it says so. */
  isStopped(): boolean;
}

/** A loaded model behind a worker's socket. Calls come from one process and one event loop. */
export interface TextModel {
  /** Of the last time that it became ready. */
  readonly info: ReplicaInfo;
  /** Such as `node-llama-cpp-3.22.1`; clients see it as `system_fingerprint`. */
  readonly fingerprint: string;
  /** Tokens of an input; throws `ApiError` when this model cannot take it. */
  encode(input: GenerateInput): readonly number[] | Promise<readonly number[]>;
  /** For every slot, in order. A model that keeps nothing may answer with none. */
  prefixes(prompt: Prompt): readonly SlotPrefix[];
  /** One generation in one slot. A slot has at most one run. */
  open(slot: number, prompt: Prompt, sampling: Sampling): TextRun;
  stats(): DecodeStats;
  /** Drops the context; no run is open then. Returns the bytes of weights that are mapped from the file. A failure leaves its state in doubt. */
  park(): Promise<number>;
  /** Makes the context again; rejects where that cannot be, and is still parked then. */
  resume(): Promise<ReplicaInfo>;
  /** Writes what idle slots hold into the folder that it was loaded with. */
  savePrefixes(request: SaveRequest): Promise<SavedPrefixes>;
  /** Why the model should be taken out of service, `null` while it works. */
  unhealthy(): string | null;
}

/** One generation: `prefill` once, then `next` until it has had enough, then `close`. */
export interface TextRun {
  /** Prompt tokens that were not evaluated, because the slot held them. Known once `prefill` is through. */
  readonly cachedTokens: number;
  /** Evaluates the prompt except its last chunk, and returns early once `isStopped` says so. */
  prefill(isStopped: () => boolean): Promise<void>;
  /**
   * Samples one token and returns the text that it completes: `''` while a character is unfinished,
   * `null` when the model ended its answer. Between two calls nothing but microtasks may pass, or the
   * other sequences wait; what takes longer goes through `rest`.
   */
  next(): Promise<string | null>;
  /** Waits without holding the other sequences up. */
  rest<T>(wait: Promise<T>): Promise<T>;
  /** Leaves the batch. The slot may be opened again afterwards. */
  close(): Promise<void>;
}
