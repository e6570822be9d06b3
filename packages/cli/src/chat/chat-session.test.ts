import { expect, test } from '@jest/globals';
import { ChatSession } from './chat-session.js';

test('a request has the system prompt, what was said, and the question', () => {
  const session = new ChatSession('m', { system: 'Be short.', maxTokens: 5, temperature: 0, seed: 1 });
  session.remember('Hi', 'Hello');
  expect(session.request('And?')).toEqual({
    model_ref: 'm',
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { role: 'user', content: 'And?' },
    ],
    max_tokens: 5,
    temperature: 0,
    seed: 1,
  });
});

test('a question without an answer is not remembered, and clear forgets all', () => {
  const session = new ChatSession('m', {});
  session.request('lost');
  session.remember('Hi', 'Hello');
  expect(session.turns).toBe(1);
  session.clear();
  expect(session.request('And?')).toEqual({ model_ref: 'm', messages: [{ role: 'user', content: 'And?' }] });
});

test('a long chat forgets its oldest turns, whole', () => {
  const session = new ChatSession('m', {});
  for (let turn = 0; turn < 1_001; turn += 1) session.remember(`q${turn}`, `a${turn}`);
  expect([session.turns, session.request('next').messages?.[0]]).toEqual([1_000, { role: 'user', content: 'q1' }]);
});
