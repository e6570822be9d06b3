import { expect, test } from '@jest/globals';
import { specOfTaskRequest } from './task-dialect.js';

const ids = { taskId: 't1', seed: 7 };

test('B-50 model, prompt and max_tokens are enough', () => {
  expect(specOfTaskRequest({ model_ref: 'm', prompt: 'Hi', max_tokens: 4 }, ids)).toEqual({
    taskId: 't1',
    modelRef: 'm',
    input: { type: 'prompt', prompt: 'Hi' },
    sampling: { temperature: 0.8, top_p: 0.95, top_k: 40, min_p: 0.05, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, seed: 7, stop: [] },
    unset: new Set(['temperature', 'topP', 'topK', 'minP', 'stop', 'seed']),
    maxTokens: 4,
    overflow: 'refuse',
    output: { dialect: 'task', stream: true, include_usage: true, id: 't1' },
    priority: null,
    placement: null,
    requiredCtx: null,
    expectedTokens: null,
    deadlineMs: null,
  });
});

test('B-50 the id of the caller is the id of the task', () => {
  expect(specOfTaskRequest({ task_id: 'mine', model_ref: 'm', prompt: 'x' }, ids)).toMatchObject({ taskId: 'mine', output: { id: 'mine' } });
});

test('B-53 no input, or two, is refused', () => {
  expect(() => specOfTaskRequest({ model_ref: 'm' }, ids)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS', details: { field: 'prompt' } }));
  expect(() => specOfTaskRequest({ model_ref: 'm', prompt: 'a', messages: [{ role: 'user', content: 'b' }] }, ids)).toThrow(
    expect.objectContaining({ code: 'INVALID_PARAMS', details: { field: 'messages' } }),
  );
});

test.each([0, -5])('B-53 T-21 a deadline of %d ms is over', (deadline_ms) => {
  expect(() => specOfTaskRequest({ model_ref: 'm', prompt: 'x', deadline_ms }, ids)).toThrow(expect.objectContaining({ code: 'DEADLINE_UNMET' }));
});
