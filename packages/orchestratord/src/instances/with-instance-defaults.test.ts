import { describe, expect, test } from '@jest/globals';
import { specOfChatCompletion, specOfCompletion } from '../tasks/openai-dialect.js';
import { specOfTaskRequest } from '../tasks/task-dialect.js';
import { instanceDefaults, NO_DEFAULTS } from './instance-defaults.js';
import { withInstanceDefaults } from './with-instance-defaults.js';

const ids = { taskId: 't1', seed: 7 };
const config = { system_prompt: 'Be kind.', temperature: 0.2, top_p: 0.5, top_k: 3, min_p: 0.1, max_tokens: 9, stop: 'END', seed: 5 };
const defaults = instanceDefaults(config);
const user = { role: 'user' as const, content: 'Hi' };

describe('what an instance sets', () => {
  test('B-150 an instance without a config changes nothing', () => {
    const spec = specOfTaskRequest({ model_ref: 'm', messages: [user] }, ids);
    expect(withInstanceDefaults(spec, NO_DEFAULTS)).toEqual(spec);
  });

  test('B-150 it fills in whatever the request leaves out', () => {
    const spec = withInstanceDefaults(specOfTaskRequest({ model_ref: 'm', messages: [user] }, ids), defaults);
    expect(spec.sampling).toMatchObject({ temperature: 0.2, top_p: 0.5, top_k: 3, min_p: 0.1, stop: ['END'], seed: 5 });
    expect([spec.maxTokens, spec.overflow]).toEqual([9, 'truncate']);
  });

  test('B-150 what the request sends wins, even where it sends the usual value', () => {
    const sent = { temperature: 0.8, top_p: 0.95, top_k: 40, min_p: 0.05, max_tokens: 4, stop: [], seed: 7 };
    const spec = specOfTaskRequest({ model_ref: 'm', messages: [user], ...sent }, ids);
    expect(withInstanceDefaults(spec, instanceDefaults({ ...config, system_prompt: '' }))).toEqual(spec);
  });

  test('B-150 null counts as left out on /v1, and so do the 16 tokens that a completion has by default', () => {
    const chat = withInstanceDefaults(specOfChatCompletion({ model: 'm', messages: [user], temperature: null }, ids), defaults);
    expect([chat.sampling.temperature, chat.maxTokens]).toEqual([0.2, 9]);
    expect(withInstanceDefaults(specOfCompletion({ model: 'm', prompt: 'x' }, ids), defaults).maxTokens).toBe(9);
  });
});

describe('the system prompt', () => {
  const inputOf = (messages: Parameters<typeof specOfTaskRequest>[0]['messages']) => withInstanceDefaults(specOfTaskRequest({ model_ref: 'm', ...(messages === undefined ? { prompt: 'Hi' } : { messages }) }, ids), defaults).input;

  test('B-151 it stands before messages without one', () => {
    expect(inputOf([user])).toEqual({ type: 'messages', messages: [{ role: 'system', content: 'Be kind.' }, user] });
  });

  test('B-151 a system message of the request replaces it, and raw text has none', () => {
    const own = [{ role: 'system' as const, content: 'Be brief.' }, user];
    expect(inputOf(own)).toEqual({ type: 'messages', messages: own });
    expect(inputOf(undefined)).toEqual({ type: 'prompt', prompt: 'Hi' });
  });
});
