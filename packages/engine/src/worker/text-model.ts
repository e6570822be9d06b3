import type { GenerateInput, Sampling } from '@corral/contracts';
import type { ReplicaInfo } from '../port.js';

/** What decoding has done since the start, for `GET /stats`. */
export interface DecodeStats {
  /** Calls of the engine that decoded at least one sequence's next token. */
  readonly decode_steps: number;
  /** Index n: decode steps that held n sequences. */
  readonly sequences_per_step: readonly number[];
  /** Graphs that the engine ran for the steps that only decoded; equal to their number at best. */
  readonly decode_only_steps: number;
  readonly decode_only_micro_batches: number;
  readonly decoded_tokens: number;
  readonly prefill_chunks: number;
  readonly prefill_tokens: number;
}

/** A loaded model behind a worker's socket. Calls come from one process and one event loop. */
export interface TextModel {
  readonly info: ReplicaInfo;
  /** Such as `node-llama-cpp-3.22.1`; clients see it as `system_fingerprint`. */
  readonly fingerprint: string;
  /** Tokens of an input; throws `ApiError` when this model cannot take it. */
  encode(input: GenerateInput): readonly number[];
  /** One generation in one slot. A slot has at most one run. */
  open(slot: number, tokens: readonly number[], sampling: Sampling): TextRun;
  stats(): DecodeStats;
  /** Why the model should be taken out of service, `null` while it works. */
  unhealthy(): string | null;
}

/** One generation: `prefill` once, then `next` until it has had enough, then `close`. */
export interface TextRun {
  /** Evaluates the prompt except its last token, and returns early once `isStopped` says so. */
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
