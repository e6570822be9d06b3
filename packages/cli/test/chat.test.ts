import { afterEach, describe, expect, test } from '@jest/globals';
import { empty, frames, json, openFrames, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';
import { accepted, end, models, started } from './wire.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serving(handlers: Readonly<Record<string, Handler>>): Promise<FakeServer> {
  return (server = await startFakeServer(handlers));
}

const EVENTS = 'GET /v2/tasks/t1/events?verbose=true';
const answering = {
  'GET /v1/models': json(models('smollm2', 'other')),
  'POST /v2/tasks': json(accepted(), 202),
  [EVENTS]: frames(started, { type: 'token', t: 'To', i: 0 }, { type: 'token', t: '', i: 1 }, { type: 'token', t: 'kyo', i: 2 }, end),
};

describe('one answer', () => {
  test('the text goes to standard output, ended by a newline', async () => {
    const { url, seen } = await serving(answering);
    expect(
      await runCorral([
        'chat',
        'other',
        'Capital of Japan?',
        '--url',
        url,
        '--max-tokens',
        '8',
        '--temperature',
        '0',
        '--seed',
        '7',
        '--system',
        'Be short.',
      ]),
    ).toEqual({ code: 0, out: 'Tokyo\n', err: '' });
    expect(seen[0]).toMatchObject({
      call: 'POST /v2/tasks',
      body: {
        model_ref: 'other',
        messages: [
          { role: 'system', content: 'Be short.' },
          { role: 'user', content: 'Capital of Japan?' },
        ],
        max_tokens: 8,
        temperature: 0,
        seed: 7,
      },
    });
  });

  test("piped input is the text, and the server's first model answers where none is named", async () => {
    const { url, seen } = await serving(answering);
    expect((await runCorral(['chat', '--url', url], { stdin: 'Capital of Japan?\n' })).out).toBe('Tokyo\n');
    expect(seen[1]?.body).toEqual({ model_ref: 'smollm2', messages: [{ role: 'user', content: 'Capital of Japan?' }] });
  });

  test('one word that can be no name of a model is the text', async () => {
    const { url, seen } = await serving(answering);
    await runCorral(['chat', 'Capital of Japan?', '--url', url]);
    expect(seen[1]?.body).toMatchObject({ model_ref: 'smollm2', messages: [{ content: 'Capital of Japan?' }] });
  });

  test('--json prints one document with the text and what it cost', async () => {
    const { url } = await serving(answering);
    const { out, err } = await runCorral(['chat', 'smollm2', 'Hi', '--json', '--url', url]);
    expect([JSON.parse(out), err]).toEqual([
      {
        task_id: 't1',
        model: 'smollm2',
        message: { role: 'assistant', content: 'Tokyo' },
        tokens_in: 9,
        tokens_out: 2,
        decode_time_ms: 5,
        decode_ms: 5,
        finish_reason: 'stop',
      },
      '',
    ]);
  });

  test('J-07 while the model is loaded, standard error says what happens', async () => {
    const step = (done: number, status: 'running' | 'completed') =>
      ({
        id: 's1',
        kind: 'model_fetch',
        group: 'smollm2',
        description: '',
        estimated_ms: null,
        bytes_total: 104_857_600,
        bytes_done: done,
        status,
      }) as const;
    const { url } = await serving({
      ...answering,
      'POST /v2/tasks': json(accepted([step(0, 'running')]), 202),
      [EVENTS]: frames(
        { type: 'metrics', prep: [step(52_428_800, 'running')] },
        { type: 'metrics', prep: [step(53_428_800, 'running')] },
        { type: 'metrics', prep: [step(104_857_600, 'completed')], waiting_for: 'smollm2 is being loaded' },
        started,
        { type: 'token', t: 'Tokyo', i: 0 },
        end,
      ),
    });
    expect(await runCorral(['chat', 'smollm2', 'Hi', '--url', url])).toEqual({
      code: 0,
      out: 'Tokyo\n',
      err: 'fetching smollm2: 0 B of 100 MiB (0 %)\nfetching smollm2: 50.0 MiB of 100 MiB (50 %)\nsmollm2 is being loaded\n',
    });
  });

  test('P-07 an error in the stream ends what was said and shows message, hint and correlation id', async () => {
    const { url } = await serving({
      ...answering,
      [EVENTS]: frames(
        started,
        { type: 'token', t: 'To', i: 0 },
        { type: 'error', code: 'WORKER_RESET', message: 'the engine worker went away', retriable: true, hint: 'ask again' },
      ),
    });
    expect(await runCorral(['chat', 'smollm2', 'Hi', '--url', url])).toEqual({
      code: 1,
      out: 'To\n',
      err: 'corral: the engine worker went away\n  next: ask again\n  correlation id: c1\n',
    });
  });

  test('a stream that breaks off is exit code 3', async () => {
    const { url } = await serving({ ...answering, [EVENTS]: frames(started, { type: 'token', t: 'To', i: 0 }) });
    expect(await runCorral(['chat', 'smollm2', 'Hi', '--url', url])).toMatchObject({
      code: 3,
      out: 'To\n',
      err: expect.stringContaining('broke off'),
    });
  });

  test('J-08 a full queue says when to come back, exit code 4', async () => {
    const { url } = await serving({
      ...answering,
      'POST /v2/tasks': refuse(429, {
        code: 'ADMISSION_REJECT',
        message: 'the queue is full',
        retriable: true,
        retry_after_ms: 2_000,
        policy_label: 'reject',
      }),
    });
    expect(await runCorral(['chat', 'smollm2', 'Hi', '--url', url])).toMatchObject({
      code: 4,
      err: expect.stringContaining('next: ask again in 2 s'),
    });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s cancels the task', async (signal, code) => {
    const { url, seen } = await serving({
      ...answering,
      [EVENTS]: openFrames(started, { type: 'token', t: 'To', i: 0 }),
      'POST /v2/tasks/t1/cancel': empty,
    });
    const ran = await runCorral(['chat', 'smollm2', 'Hi', '--url', url], { onOut: (_text, send) => send(signal) });
    expect([ran.code, ran.out, seen.at(-1)?.call]).toEqual([code, 'To\n', 'POST /v2/tasks/t1/cancel']);
  });
});

test('a server without models says what to do', async () => {
  const { url } = await serving({ 'GET /v1/models': json(models()) });
  expect(await runCorral(['chat', '--url', url], { stdin: 'Hi' })).toEqual({
    code: 1,
    out: '',
    err: 'corral: the server serves no model\n  next: list one under models: in the manifest and start again with --manifest FILE\n',
  });
});
