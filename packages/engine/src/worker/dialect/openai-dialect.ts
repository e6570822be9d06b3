import { toOpenAiError, type ErrorEnvelope, type GenerateUsage, type OutputFormat } from '@corral/contracts';
import type { Dialect } from './dialect.js';

const DONE = 'data: [DONE]\n\n';

/** What differs between OpenAI's chat and its older completion. */
interface Shape {
  readonly chunkObject: string;
  readonly wholeObject: string;
  /** The choice of the first chunk; `null` when there is none of its own. */
  readonly opening: object | null;
  /** Parts of a chunk's choice before and after the text, as JSON. */
  readonly around: readonly [string, string];
  closing(finishReason: string): object;
  whole(text: string, finishReason: string): object;
}

const CHAT: Shape = {
  chunkObject: 'chat.completion.chunk',
  wholeObject: 'chat.completion',
  opening: { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
  around: ['{"index":0,"delta":{"content":', '},"logprobs":null,"finish_reason":null}'],
  closing: (finish_reason) => ({ index: 0, delta: {}, logprobs: null, finish_reason }),
  whole: (content, finish_reason) => ({ index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason }),
};

const COMPLETION: Shape = {
  chunkObject: 'text_completion',
  wholeObject: 'text_completion',
  opening: null,
  around: ['{"text":', ',"index":0,"logprobs":null,"finish_reason":null}'],
  closing: (finish_reason) => ({ text: '', index: 0, logprobs: null, finish_reason }),
  whole: (text, finish_reason) => ({ text, index: 0, logprobs: null, finish_reason }),
};

/**
 * Answers as OpenAI writes them. What is the same in every chunk is serialised once; a token without text
 * makes no chunk.
 */
export function openAiDialect(output: OutputFormat, fingerprint: string): Dialect {
  const shape = output.dialect === 'openai_chat' ? CHAT : COMPLETION;
  const head = (object: string): object => ({ id: output.id, object, created: output.created_s, model: output.model, system_fingerprint: fingerprint });
  const noUsage = output.include_usage ? { usage: null } : {};
  const chunk = (choices: readonly object[], usage: object): string => `data: ${JSON.stringify({ ...head(shape.chunkObject), choices, ...usage })}\n\n`;
  const before = `data: ${JSON.stringify(head(shape.chunkObject)).slice(0, -1)},"choices":[${shape.around[0]}`;
  const after = `${shape.around[1]}]${output.include_usage ? ',"usage":null' : ''}}\n\n`;
  const failed = (error: ErrorEnvelope): string => JSON.stringify(toOpenAiError(error));

  return {
    open: () => (shape.opening === null ? '' : chunk([shape.opening], noUsage)),
    token: (text) => (text === '' ? '' : before + JSON.stringify(text) + after),
    end: (usage) =>
      chunk([shape.closing(usage.finish_reason)], noUsage) + (output.include_usage ? chunk([], { usage: openAiUsage(usage) }) : '') + DONE,
    failure: (error) => `data: ${failed(error)}\n\n`,
    whole: (text, usage) => JSON.stringify({ ...head(shape.wholeObject), choices: [shape.whole(text, usage.finish_reason)], usage: openAiUsage(usage) }),
    refusal: failed,
  };
}

function openAiUsage({ tokens_in, tokens_cached, tokens_out }: GenerateUsage): object {
  return {
    prompt_tokens: tokens_in,
    completion_tokens: tokens_out,
    total_tokens: tokens_in + tokens_out,
    prompt_tokens_details: { cached_tokens: tokens_cached },
  };
}
