import { describe, expect, test } from '@jest/globals';
import { toEnvelope, ApiError, type GenerateUsage, type OutputFormat } from '@corral/contracts';
import { dialectOf } from './dialect-of.js';

const output: OutputFormat = { dialect: 'task', stream: true, include_usage: false, id: 'id-1', model: 'm', created_s: 7 };
const usage: GenerateUsage = { tokens_in: 3, tokens_cached: 1, tokens_out: 2, first_token_ms: 5, decode_time_ms: 9, finish_reason: 'stop' };
const failure = toEnvelope(new ApiError('DECODE_TIMEOUT', 'late'));
const dialect = (change: Partial<OutputFormat>) => dialectOf({ output: { ...output, ...change }, annotations: { pool_id: 'p' } }, 'engine-1');
const stream = (change: Partial<OutputFormat>): string => {
  const d = dialect(change);
  return d.open() + d.token('a"', 0) + d.token('', 1) + d.end(usage);
};
const head = (object: string): string => `{"id":"id-1","object":"${object}","created":7,"model":"m","system_fingerprint":"engine-1"`;

describe('dialects', () => {
  test('B-62 C-128 task frames, the empty one included', () => {
    expect(stream({})).toBe(
      'event: token\ndata: {"t":"a\\"","i":0}\n\n' +
        'event: token\ndata: {"t":"","i":1}\n\n' +
        'event: end\ndata: {"tokens_in":3,"tokens_out":2,"decode_time_ms":9,"decode_ms":9,"finish_reason":"stop","pool_id":"p"}\n\n',
    );
    expect(dialect({}).failure(failure)).toBe('event: error\ndata: {"code":"DECODE_TIMEOUT","message":"late","retriable":true}\n\n');
  });

  test('C-129 chat chunks as OpenAI sends them', () => {
    const chunk = (choices: string): string => `data: ${head('chat.completion.chunk')},"choices":[${choices}]}\n\n`;
    expect(stream({ dialect: 'openai_chat' })).toBe(
      chunk('{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}') +
        chunk('{"index":0,"delta":{"content":"a\\""},"logprobs":null,"finish_reason":null}') +
        chunk('{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}') +
        'data: [DONE]\n\n',
    );
  });

  test('C-129 include_usage: null in every chunk, then one chunk without choices', () => {
    const chunk = (choices: string, usageText: string): string => `data: ${head('text_completion')},"choices":[${choices}],"usage":${usageText}}\n\n`;
    expect(stream({ dialect: 'openai_completion', include_usage: true })).toBe(
      chunk('{"text":"a\\"","index":0,"logprobs":null,"finish_reason":null}', 'null') +
        chunk('{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}', 'null') +
        chunk('', '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1}}') +
        'data: [DONE]\n\n',
    );
  });

  test('C-129 answers that are not streamed', () => {
    const usageText = '"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1}}}';
    expect([
      dialect({}).whole('hi', usage),
      dialect({ dialect: 'openai_chat' }).whole('hi', usage),
      dialect({ dialect: 'openai_completion' }).whole('hi', usage),
    ]).toEqual([
      '{"message":"hi","finish_reason":"stop","tokens_in":3,"tokens_out":2,"decode_time_ms":9,"pool_id":"p"}',
      `${head('chat.completion')},"choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],${usageText}`,
      `${head('text_completion')},"choices":[{"text":"hi","index":0,"logprobs":null,"finish_reason":"stop"}],${usageText}`,
    ]);
  });

  test('C-129 a failure on /v1 is one data line without [DONE]', () => {
    const body = '{"error":{"code":"DECODE_TIMEOUT","message":"late","retriable":true,"type":"server_error","param":null}}';
    const { failure: fail, refusal } = dialect({ dialect: 'openai_chat' });
    expect([fail(failure), refusal(failure)]).toEqual([`data: ${body}\n\n`, body]);
  });
});
