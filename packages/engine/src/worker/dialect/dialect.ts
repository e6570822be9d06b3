import type { ErrorEnvelope, GenerateUsage } from '@corral/contracts';

/** How one answer is written. Pure: text in, bytes of the body out; `''` writes nothing. */
export interface Dialect {
  /** Before the first token of a stream. */
  open(): string;
  /** One sampled token; `text` may be empty. */
  token(text: string, index: number): string;
  /** The end of a stream that went well. */
  end(usage: GenerateUsage): string;
  /** The end of a stream that failed; nothing follows. */
  failure(error: ErrorEnvelope): string;
  /** The body of an answer that is not streamed. */
  whole(text: string, usage: GenerateUsage): string;
  /** The body of a refusal before anything was sent. */
  refusal(error: ErrorEnvelope): string;
}
