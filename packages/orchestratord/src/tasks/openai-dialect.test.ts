import { describe, expect, test } from '@jest/globals';
import type { ChatCompletionRequest } from '@corral/contracts';
import { refuseUnsupported, specOfChatCompletion, specOfCompletion } from './openai-dialect.js';

const ids = { taskId: 't1', seed: 7 };
const chat = (extra: Partial<ChatCompletionRequest> = {}) => specOfChatCompletion({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...extra }, ids);

describe('OpenAI dialect', () => {
  test('B-47 a bare chat request becomes a task with every value filled in', () => {
    expect(chat()).toEqual({
      taskId: 't1',
      modelRef: 'm',
      input: { type: 'messages', messages: [{ role: 'user', content: 'Hi' }] },
      sampling: { temperature: 0.8, top_p: 0.95, top_k: 40, min_p: 0.05, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, seed: 7, stop: [] },
      unset: new Set(['temperature', 'topP', 'topK', 'minP', 'maxTokens', 'stop', 'seed']),
      maxTokens: null,
      overflow: 'truncate',
      output: { dialect: 'openai_chat', stream: false, include_usage: false, id: 'chatcmpl-t1' },
      priority: null,
      placement: null,
      requiredCtx: null,
      expectedTokens: null,
      deadlineMs: null,
    });
  });

  test('B-47 content parts become one text, developer becomes system, null content is empty', () => {
    const spec = chat({
      messages: [
        { role: 'developer', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] },
        { role: 'assistant', content: null },
      ],
    });
    expect(spec.input).toEqual({ type: 'messages', messages: [{ role: 'system', content: 'ab' }, { role: 'assistant', content: '' }] });
  });

  test('B-47 what is no text is refused with its place', () => {
    expect(() => chat({ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] })).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMS', details: { field: 'messages.0.content.0' } }),
    );
    expect(() => chat({ messages: [{ role: 'tool', content: 'x' }] })).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS', details: { field: 'messages.0.role' } }));
    expect(() => chat({ n: 2 })).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS', details: { field: 'n' } }));
  });

  test('I-02 a seed beyond 32 bits is folded, one that is absent is chosen', () => {
    expect([chat({ seed: -1 }).sampling.seed, chat({ seed: 2 ** 32 + 5 }).sampling.seed, chat({ seed: null }).sampling.seed]).toEqual([4_294_967_295, 5, 7]);
  });

  test('B-47 completions keep the default of 16 tokens', () => {
    expect(specOfCompletion({ model: 'm', prompt: ['a'] }, ids)).toMatchObject({ input: { type: 'prompt', prompt: 'a' }, maxTokens: 16, output: { dialect: 'openai_completion', id: 'cmpl-t1' } });
  });

  test.each([
    [{ tools: [{ type: 'function' }] }, 'tools'],
    [{ response_format: { type: 'json_object' } }, 'response_format'],
    [{ logprobs: true }, 'logprobs'],
    [{ modalities: ['audio'] }, 'modalities'],
  ])('B-47 %j would change the answer: refused', (body, field) => {
    expect(() => refuseUnsupported(body)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS', details: { field } }));
  });

  test('B-47 the harmless values of the same fields pass', () => {
    expect(() => refuseUnsupported({ tools: [], tool_choice: 'auto', response_format: { type: 'text' }, logprobs: false, modalities: ['text'], metadata: {}, store: true })).not.toThrow();
  });
});
