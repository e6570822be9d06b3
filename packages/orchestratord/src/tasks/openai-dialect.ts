import {
  ApiError,
  foldSeed,
  MEANINGFUL_UNSUPPORTED,
  type ChatCompletionRequest,
  type ChatMessage,
  type CompletionRequest,
  type GenerateInput,
  type OpenAiMessage,
  type Sampling,
} from '@corral/contracts';
import type { SpecIds } from './task-dialect.js';
import { SAMPLING_DEFAULTS, unsetOf, type TaskSpec } from './task-spec.js';

/** A top_p of 0 means "the likeliest token alone"; the engine wants it greater than 0. */
const SMALLEST_TOP_P = 1e-6;

/**
 * Refuses the fields of OpenAI that would change the meaning of the answer and do not work here. Runs on
 * the raw body, before unknown fields are set aside.
 */
export function refuseUnsupported(body: unknown): void {
  if (typeof body !== 'object' || body === null) return;
  for (const [field, value] of Object.entries(body)) {
    const harmless = Object.hasOwn(MEANINGFUL_UNSUPPORTED, field) ? MEANINGFUL_UNSUPPORTED[field] : undefined;
    if (harmless === undefined || harmless.some((h) => JSON.stringify(h) === JSON.stringify(value))) continue;
    throw new ApiError('INVALID_PARAMS', `${field} does not work here and would change the answer; leave it out`, { field });
  }
}

/** Body of `POST /v1/chat/completions` → task. */
export function specOfChatCompletion(body: ChatCompletionRequest, ids: SpecIds): TaskSpec {
  const messages = body.messages.map(messageOf);
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? null;
  return openAiSpec(body, ids, { input: { type: 'messages', messages }, maxTokens, askedTokens: maxTokens, dialect: 'openai_chat', idPrefix: 'chatcmpl-' });
}

/** Body of `POST /v1/completions` → task. OpenAI's default of 16 tokens is kept, since clients rely on it. */
export function specOfCompletion(body: CompletionRequest, ids: SpecIds): TaskSpec {
  const prompt = typeof body.prompt === 'string' ? body.prompt : (body.prompt[0] ?? '');
  return openAiSpec(body, ids, { input: { type: 'prompt', prompt }, maxTokens: body.max_tokens ?? 16, askedTokens: body.max_tokens ?? null, dialect: 'openai_completion', idPrefix: 'cmpl-' });
}

interface Shape {
  readonly input: GenerateInput;
  readonly maxTokens: number | null;
  /** As the body has it. */
  readonly askedTokens: number | null;
  readonly dialect: 'openai_chat' | 'openai_completion';
  readonly idPrefix: string;
}

function openAiSpec(body: ChatCompletionRequest | CompletionRequest, ids: SpecIds, shape: Shape): TaskSpec {
  if ((body.n ?? 1) > 1) throw new ApiError('INVALID_PARAMS', 'n greater than 1 does not work here; send the request n times', { field: 'n' });
  return {
    taskId: ids.taskId,
    modelRef: body.model,
    input: shape.input,
    sampling: samplingOf(body, ids.seed),
    unset: unsetOf({ temperature: body.temperature, topP: body.top_p, topK: body.top_k, minP: body.min_p, maxTokens: shape.askedTokens, stop: body.stop, seed: body.seed }),
    maxTokens: shape.maxTokens,
    overflow: 'truncate',
    output: {
      dialect: shape.dialect,
      stream: body.stream ?? false,
      include_usage: body.stream_options?.include_usage ?? false,
      id: `${shape.idPrefix}${ids.taskId}`,
    },
    priority: body.priority ?? null,
    placement: body.placement ?? null,
    requiredCtx: null,
    expectedTokens: null,
    deadlineMs: null,
  };
}

function samplingOf(body: ChatCompletionRequest | CompletionRequest, seed: number): Sampling {
  const stop = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? SAMPLING_DEFAULTS.stop);
  return {
    temperature: body.temperature ?? SAMPLING_DEFAULTS.temperature,
    top_p: Math.max(SMALLEST_TOP_P, body.top_p ?? SAMPLING_DEFAULTS.top_p),
    top_k: body.top_k ?? SAMPLING_DEFAULTS.top_k,
    min_p: body.min_p ?? SAMPLING_DEFAULTS.min_p,
    repeat_penalty: body.repeat_penalty ?? SAMPLING_DEFAULTS.repeat_penalty,
    presence_penalty: body.presence_penalty ?? SAMPLING_DEFAULTS.presence_penalty,
    frequency_penalty: body.frequency_penalty ?? SAMPLING_DEFAULTS.frequency_penalty,
    seed: body.seed === undefined || body.seed === null ? seed : foldSeed(body.seed),
    stop: stop.filter((text) => text.length > 0),
  };
}

/** Content parts become one text; what is no text is refused, never dropped. */
function messageOf(message: OpenAiMessage, index: number): ChatMessage {
  const field = `messages.${index}`;
  return { role: roleOf(message.role, field), content: textOf(message.content, field) };
}

function roleOf(role: string, field: string): ChatMessage['role'] {
  if (role === 'developer') return 'system';
  if (role === 'system' || role === 'user' || role === 'assistant') return role;
  throw new ApiError('INVALID_PARAMS', `the role ${JSON.stringify(role)} does not work here; use system, user or assistant`, { field: `${field}.role` });
}

function textOf(content: OpenAiMessage['content'], field: string): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  return content
    .map((part, n) => {
      if (part.type === 'text' && part.text !== undefined) return part.text;
      throw new ApiError('INVALID_PARAMS', `content of type ${JSON.stringify(part.type)} does not work here; send text`, { field: `${field}.content.${n}` });
    })
    .join('');
}
