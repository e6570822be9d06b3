import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ApiError } from '@corral/contracts';
import { openAiShape, taskShape } from '../src/tasks/answer-shape.js';
import { ResponseOutput } from '../src/tasks/response-output.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function answered(stream: boolean, act: (output: ResponseOutput) => void, shape = openAiShape()) {
  server = createServer((_req, res) => {
    act(new ResponseOutput(res, { shape, stream, bufferMaxBytes: 65_536, stallMs: 1_000, cancelOnDisconnect: true, routeHeader: 'chat@2', onStalled: () => undefined }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const HEAD = { status: 200, headers: { 'content-type': 'text/event-stream', connection: 'x' } };

describe('the answer of a /v1 call', () => {
  test('B-04 a failure before the first byte keeps its status and says when to come back', async () => {
    const { status, headers, text } = await answered(true, (output) => output.end({ kind: 'failed', error: new ApiError('LOAD_TIMEOUT', 'it loads', { retry_after_ms: 2_500 }) }));
    expect([status, headers.get('retry-after'), JSON.parse(text)]).toEqual([
      503, '3', { error: { code: 'LOAD_TIMEOUT', message: 'it loads', retriable: true, retry_after_ms: 2_500, type: 'server_error', param: null } },
    ]);
  });

  test('B-04 B-68 a failure in the stream is one data line behind whole frames, without [DONE]', async () => {
    const { status, headers, text } = await answered(true, (output) => {
      output.metrics({ pool_id: 'p1' });
      const sink = output.open(HEAD);
      sink.write(Buffer.from('data: {"a":1}\n\ndata: {"b'));
      output.end({ kind: 'failed', error: new ApiError('WORKER_RESET', 'gone') });
    });
    expect([status, headers.get('x-corral-pool'), headers.get('x-corral-route')]).toEqual([200, 'p1', 'chat@2']);
    const [first, second, ...rest] = text.split('\n\n');
    expect([first, JSON.parse((second ?? '').slice('data: '.length)), rest]).toEqual(['data: {"a":1}', { error: expect.objectContaining({ code: 'WORKER_RESET' }) }, ['']]);
  });

  test('B-60 a whole answer passes byte for byte', async () => {
    const { text } = await answered(false, (output) => {
      output.open(HEAD).write(Buffer.from('{"x":"\n\n"}'));
      output.end({ kind: 'completed' });
    });
    expect(text).toBe('{"x":"\n\n"}');
  });

  test('B-67 canceled before the first byte is an answer, after it the end of the stream', async () => {
    const before = await answered(true, (output) => output.end({ kind: 'canceled', tokensOut: 0, decodeTimeMs: 0 }));
    expect([before.status, JSON.parse(before.text)]).toEqual([410, { error: expect.objectContaining({ code: 'GONE' }) }]);
    server?.closeAllConnections();
    server?.close();
    const after = await answered(true, (output) => {
      output.open(HEAD).write(Buffer.from('data: 1\n\n'));
      output.end({ kind: 'canceled', tokensOut: 1, decodeTimeMs: 0 });
    });
    expect([after.status, after.text]).toEqual([200, 'data: 1\n\n']);
  });
});

describe('the answer of a chat with an instance', () => {
  const started = { task_id: 't1', queue_position: 0, predicted_start_ms: 0, seed: 1 };

  test('B-118 nothing is sent before the first token; then started and the last metrics come before it', async () => {
    const { status, text } = await answered(
      true,
      (output) => {
        output.started(started);
        output.metrics({ queue_position: 1 });
        output.metrics({ pool_id: 'p1' });
        const sink = output.open(HEAD);
        sink.write(Buffer.from('event: token\ndata: {"t":"a","i":0}\n\n'));
        output.end({ kind: 'failed', error: new ApiError('WORKER_RESET', 'gone') });
      },
      taskShape(),
    );
    expect([status, text.split('\n\n').map((frame) => frame.split('\n')[0])]).toEqual([200, ['event: started', 'event: metrics', 'event: token', 'event: error', '']]);
    expect(text).toContain('event: metrics\ndata: {"pool_id":"p1"}\n\n');
  });

  test('B-117 a refusal before that has its status and our body', async () => {
    const { status, headers, text } = await answered(true, (output) => output.end({ kind: 'failed', error: new ApiError('LOAD_TIMEOUT', 'it loads', { retry_after_ms: 2_500 }) }), taskShape());
    expect([status, headers.get('retry-after'), JSON.parse(text)]).toEqual([503, '3', { code: 'LOAD_TIMEOUT', message: 'it loads', retriable: true, retry_after_ms: 2_500 }]);
  });

  test('B-118 a stream that is canceled by its id ends with end', async () => {
    const { text } = await answered(
      true,
      (output) => {
        output.open(HEAD).write(Buffer.from('event: token\ndata: {"t":"a","i":0}\n\n'));
        output.end({ kind: 'canceled', tokensOut: 1, decodeTimeMs: 5 });
      },
      taskShape(),
    );
    expect(text.split('\n\n').at(-2)).toBe('event: end\ndata: {"tokens_out":1,"decode_time_ms":5,"decode_ms":5,"finish_reason":"canceled","canceled":true}');
  });
});
