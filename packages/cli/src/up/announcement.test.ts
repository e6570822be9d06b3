import { expect, test } from '@jest/globals';
import { announcement } from './announcement.js';
import { tokenOf } from './home-token.js';

const url = 'http://127.0.0.1:8080';

test('U-04 the API, the dashboard, and a line for the shell that stands alone', () => {
  expect(announcement({ listener_url: url, dashboard_url: `${url}/ui/`, model: "it's", token: undefined })).toEqual([
    `API        ${url}  (OpenAI clients: base_url ${url}/v1)`,
    `dashboard  ${url}/ui/`,
    'stop       Ctrl-C',
    'try it from another terminal:',
    String.raw`curl -s ${url}/v1/chat/completions -H 'Content-Type: application/json' -d '{"model":"it'\''s","messages":[{"role":"user","content":"What is the capital of Japan?"}],"max_tokens":64,"temperature":0}'`,
  ]);
});

test('without a model there is no example', () => {
  expect(announcement({ listener_url: url, dashboard_url: `${url}/ui/`, model: undefined, token: undefined }).at(-1)).toBe('stop       Ctrl-C');
});

test('P-32 the token itself is never printed', () => {
  const lines = (env: Record<string, string>, section = {}) =>
    announcement({ listener_url: url, dashboard_url: `${url}/ui/`, model: 'm', token: tokenOf(env, section) }).at(-1);
  expect(lines({ LLORCH_API_TOKEN: 'secret' })).toContain('-H "Authorization: Bearer $LLORCH_API_TOKEN"');
  expect(lines({ AUTH_TOKEN: 'secret,older' })).toContain('-H "Authorization: Bearer ${AUTH_TOKEN%%,*}"');
  expect(lines({}, { tokens: ['secret'] })).toContain('$CORRAL_TOKEN');
  expect(lines({ LLORCH_API_TOKEN: 'secret', AUTH_OPTIONAL: 'true' })).not.toContain('Authorization');
  expect([tokenOf({ LLORCH_API_TOKEN: ' first , second' }, {})?.value, tokenOf({}, {})]).toEqual(['first', undefined]);
});
