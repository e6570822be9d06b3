import { execFile } from 'node:child_process';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCorral, type Corral } from '@corral/test-kit';
import OpenAI from 'openai';
import { ONE_THREAD, smollm2 } from './served.js';

const run = promisify(execFile);
const SITE = fileURLToPath(new URL('../../../.cache/python', import.meta.url));
const PYTHON_CLIENT = 'openai==3.54.0';
const SCRIPT = fileURLToPath(new URL('openai_client.py', import.meta.url));
const QUESTION = [{ role: 'user' as const, content: 'What is the capital of Japan?' }];

let corral: Corral;
let openai: OpenAI;

beforeAll(async () => {
  corral = await startCorral({ manifest: { version: 1, models: { smollm2: await smollm2() }, routes: { 'chat-small': { model: 'smollm2' } } }, env: { ...ONE_THREAD } });
  openai = new OpenAI({ baseURL: `${corral.url}/v1`, apiKey: 'none', maxRetries: 0 });
}, 600_000);

afterAll(() => corral.stop());

describe('the stock npm client', () => {
  test('B-47 chats in one piece, with usage', async () => {
    const { data, response } = await openai.chat.completions.create({ model: 'chat-small', messages: QUESTION, temperature: 0 }).withResponse();
    expect(data).toMatchObject({ object: 'chat.completion', model: 'chat-small', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: expect.stringContaining('Tokyo') } }] });
    expect(data.usage).toMatchObject({ prompt_tokens: 37, total_tokens: 37 + (data.usage?.completion_tokens ?? 0) });
    expect([response.headers.get('x-corral-route'), response.headers.get('x-corral-pool')]).toEqual(['chat-small@1', expect.any(String)]);
  });

  test('B-47 chats as a stream, with usage in the last chunk', async () => {
    const stream = await openai.chat.completions.create({ model: 'smollm2', messages: QUESTION, temperature: 0, stream: true, stream_options: { include_usage: true } });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((c) => c.choices[0]?.delta.content ?? '').join('')).toContain('Tokyo');
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 37 } });
    expect(chunks.filter((c) => c.choices[0]?.finish_reason === 'stop').length).toBe(1);
  });

  test('B-47 completes raw text and stops at a stop string', async () => {
    const completion = await openai.completions.create({ model: 'smollm2', prompt: 'One, two, three,', max_tokens: 12, temperature: 0, stop: ['\n'] });
    expect(completion.choices[0]).toMatchObject({ index: 0, finish_reason: expect.stringMatching(/stop|length/), text: expect.not.stringContaining('\n') });
  });

  test('B-47 lists models and fetches one', async () => {
    const ids = (await openai.models.list()).data.map((m) => m.id);
    expect(ids).toEqual(expect.arrayContaining(['chat-small', 'smollm2']));
    expect(await openai.models.retrieve('smollm2')).toMatchObject({ id: 'smollm2', object: 'model' });
  });

  test('B-47 raises its own errors for our refusals', async () => {
    await expect(openai.chat.completions.create({ model: 'nope', messages: QUESTION })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(openai.chat.completions.create({ model: 'smollm2', messages: QUESTION, temperature: 3 })).rejects.toMatchObject({ status: 400, code: 'INVALID_PARAMS', param: 'temperature', type: 'invalid_request_error' });
    await expect(openai.completions.create({ model: 'smollm2', prompt: 'x '.repeat(4_000) })).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });
});

describe('the stock PyPI client', () => {
  test('B-47 chats both ways, lists models, gets usage, raises its own errors', async () => {
    await installPythonClient();
    const { stdout } = await run('python3', [SCRIPT, `${corral.url}/v1`], { env: { ...process.env, PYTHONPATH: SITE }, timeout: 120_000 });
    expect(JSON.parse(stdout)).toEqual({
      models: expect.arrayContaining(['chat-small', 'smollm2']),
      answer: expect.stringContaining('Tokyo'),
      prompt_tokens: 37,
      streamed: expect.stringContaining('Tokyo'),
      streamed_prompt_tokens: 37,
      not_found: 'NotFoundError NOT_FOUND',
      bad_request: 'BadRequestError INVALID_PARAMS temperature',
    });
  }, 600_000);
});

/** Once per checkout. */
async function installPythonClient(): Promise<void> {
  if ((await stat(join(SITE, 'openai')).catch(() => null)) !== null) return;
  await mkdir(SITE, { recursive: true });
  await run('python3', ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', SITE, PYTHON_CLIENT], { timeout: 240_000 });
}
