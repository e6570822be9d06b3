import { expect, test } from '@jest/globals';
import { redactText } from './redact.js';

test('B-08 a key is removed wherever a client put it, and what only looks like one stays', () => {
  const key = `ck_0123456789abcdef_${'aB3-_'.repeat(8)}xyz`;
  expect(redactText(`{"path":"/v1/models/${key}","reason":"no \\"${key}\\""}`)).toBe('{"path":"/v1/models/[redacted]","reason":"no \\"[redacted]\\""}');
  for (const text of ['ck_0123456789abcdef', 'model_0123456789abcdef_q4', `task_0123456789abcdef_${'x'.repeat(50)}`]) expect(redactText(text)).toBe(text);
});
