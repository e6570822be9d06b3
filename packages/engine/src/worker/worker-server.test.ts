import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ApiError } from '@corral/contracts';
import { systemClock } from '@corral/service-kit';
import { aGenerateRequest, engineClient, eventsOf } from '@corral/test-kit';
import { EngineError } from '../engine-error.js';
import type { TextModel, TextRun } from './text-model.js';
import { WORKER_LIMITS, WorkerServer, type WorkerLimits } from './worker-server.js';

interface Harness {
  readonly client: ReturnType<typeof engineClient>;
  readonly failures: unknown[];
  readonly server: WorkerServer;
}

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** A server in this process, over a model whose runs are given. */
async function serve(open: (slot: number) => Partial<TextRun>, limits: Partial<WorkerLimits> = {}, calls: Partial<Pick<TextModel, 'park' | 'resume' | 'savePrefixes'>> = {}): Promise<Harness> {
  const dir = await mkdtemp(join(tmpdir(), 'corral-t-'));
  const failures: unknown[] = [];
  const model: TextModel = {
    info: { slots: 2, contextTokens: 1_000_000, layersOnDevice: 0, totalLayers: 1, memory: { weightsBytes: 0, contextBytes: 0, hostBytes: 0 }, hasChatTemplate: true, loadMs: 0, loadPath: 'public' },
    fingerprint: 'test',
    encode: () => [1],
    prefixes: () => [],
    open: (slot) => ({ cachedTokens: 0, prefill: () => Promise.resolve(), next: () => Promise.resolve(null), rest: (wait) => wait, close: () => Promise.resolve(), ...open(slot) }),
    stats: () => ({ decode_steps: 0, sequences_per_step: [], decode_micro_batches: 0, decoded_tokens: 0, prefill_chunks: 0, prefill_tokens: 0, prefix_hits: 0, cached_tokens: 0, chunks_after_stop: 0, tokens_after_stop: 0 }),
    park: () => Promise.resolve(0),
    resume: () => Promise.reject(new EngineError('out_of_memory', 'no room')),
    savePrefixes: () => Promise.resolve({ prefixes: 0, tokens: 0, sizeBytes: 0 }),
    ...calls,
    unhealthy: () => null,
  };
  const server = new WorkerServer({ replicaId: 'r', model, clock: systemClock, limits: { ...WORKER_LIMITS, ...limits }, onEngineFailure: (error) => failures.push(error) });
  await server.listen(join(dir, 's'));
  const client = engineClient(join(dir, 's'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }), () => server.shutDown(new ApiError('SHUTTING_DOWN', 'test over')), () => client.close());
  return { client, failures, server };
}

const ask = async ({ call }: Harness['client'], path: string, body?: object): Promise<unknown> => await call(path, body);
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  for (let turn = 0; turn < 2_000 && !(await isSo()); turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await isSo()).toBe(true);
};

describe('worker server', () => {
  test('C-131 a client that does not read stops its own generation, which goes on when it reads again', async () => {
    const wanted = 3_000;
    let [sampled, rested] = [0, 0];
    const big = 'x'.repeat(1_000);
    const { client } = await serve(() => ({
      next: async () => {
        await tick();
        return sampled++ < wanted ? big : null;
      },
      rest: async (wait) => {
        rested += 1;
        return await wait;
      },
    }));
    const response = await client.open(aGenerateRequest());
    // It may rest more than once until what lies between it and its reader is full.
    await until(async () => {
      const before = sampled;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return rested > 0 && sampled === before;
    });
    expect(sampled).toBeLessThan(wanted);
    const events = eventsOf(await response.body.text());
    expect([events.length, events.at(-1)?.event]).toEqual([wanted + 1, 'end']);
  });

  test('C-131 who does not read for the stall limit is cut, and the slot is free', async () => {
    const { client } = await serve(
      () => ({
        next: async () => {
          await tick();
          return 'x'.repeat(1_000);
        },
      }),
      { stallMs: 100 },
    );
    const response = await client.open(aGenerateRequest());
    await until(async () => (await client.get('/health')).body['slots_active'] === 0);
    await expect(response.body.text()).rejects.toThrow();
  });

  test('C-137 a fault of the engine resets every stream and is reported', async () => {
    const { client, failures } = await serve((slot) => ({
      next: async () => {
        await tick();
        if (slot === 1) throw new Error('decode failed');
        return 'a';
      },
    }));
    const first = await client.open(aGenerateRequest());
    await until(async () => (await client.get('/health')).body['slots_active'] === 1);
    const second = await client.generate(aGenerateRequest());
    expect([second.status, JSON.parse(second.text)]).toEqual([503, { code: 'WORKER_RESET', message: expect.any(String), retriable: true }]);
    expect(failures).toEqual([new Error('decode failed')]);
    first.body.on('error', () => undefined).destroy();
  });

  test('C-130 the first-token deadline answers although the engine does not come back', async () => {
    const { client } = await serve(() => ({ next: () => new Promise(() => undefined) }));
    const { status, text } = await client.generate(aGenerateRequest({ deadlines: { first_token_ms: 50 }, output: { dialect: 'openai_chat', stream: false } }));
    expect([status, JSON.parse(text)]).toEqual([503, { error: { code: 'FIRST_TOKEN_TIMEOUT', message: expect.any(String), retriable: true, type: 'server_error', param: null } }]);
  });

  test('C-130 the gap deadline ends a stream, and nothing follows', async () => {
    let sampled = 0;
    const { client } = await serve(() => ({ next: () => (sampled++ < 2 ? Promise.resolve('a') : new Promise(() => undefined)) }));
    const { text, trailers } = await client.generate(aGenerateRequest({ deadlines: { token_gap_ms: 500 } }));
    expect([eventsOf(text).map(({ event }) => event), trailers]).toEqual([['token', 'token', 'error'], { 'x-corral-failure': 'DECODE_TIMEOUT' }]);
  });

  test('C-128 the end token has a frame only when it releases held text', async () => {
    const { client } = await serve(() => {
      const script = ['one EN', null];
      return { next: () => Promise.resolve(script.shift() ?? null) };
    });
    const frames = async (stop: string[]) => eventsOf((await client.generate(aGenerateRequest({ sampling: { stop } }))).text).map(({ event, data }) => (event === 'token' ? (data as { t: string }).t : (data as { tokens_out: number }).tokens_out));
    expect([await frames([]), await frames(['END'])]).toEqual([['one EN', 1], ['one ', 'EN', 2]]);
  });

  test('C-128 a stop string ends the answer; at the length limit held text is given out', async () => {
    const { client } = await serve(() => ({ next: () => Promise.resolve('ab') }));
    const run = async (stop: string[]) => {
      const { text } = await client.generate(aGenerateRequest({ max_tokens: 3, sampling: { stop }, output: { stream: false } }));
      const { message, finish_reason, tokens_out } = JSON.parse(text) as Record<string, unknown>;
      return [message, finish_reason, tokens_out];
    };
    expect([await run(['bab']), await run(['bx'])]).toEqual([['a', 'stop', 2], ['ababab', 'length', 3]]);
  });

  test('C-129 a body that is too large is refused with its status', async () => {
    const { client } = await serve(() => ({}), { bodyBytes: 100 });
    const { status, text } = await client.generate(aGenerateRequest());
    expect([status, (JSON.parse(text) as { code: string }).code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  test('C-240 a resume that fails leaves it parked, a park that fails leaves the engine in doubt', async () => {
    const { client, failures } = await serve(() => ({}));
    expect(await ask(client, '/park')).toMatchObject({ type: 'answer', answer: { memory: { mappedBytes: 0 } } });
    expect([await ask(client, '/resume'), (await client.get('/health')).body['parked'], failures]).toEqual([{ type: 'fatal', kind: 'out_of_memory', message: 'no room' }, true, []]);
    const broken = await serve(() => ({}), {}, { park: () => Promise.reject(new Error('the native code broke')) });
    expect([await ask(broken.client, '/park'), broken.failures]).toEqual([{ type: 'fatal', kind: 'worker_failed', message: 'the native code broke' }, [new Error('the native code broke')]]);
  });

  test('C-240 nothing is parked under a request, and no request begins while it is being parked', async () => {
    let [finish, end] = [() => {}, () => {}];
    const parked = new Promise<number>((resolve) => (finish = () => resolve(0)));
    const running = new Promise<null>((resolve) => (end = () => resolve(null)));
    const { client } = await serve(() => ({ next: () => running }), {}, { park: () => parked });
    const answer = client.generate(aGenerateRequest());
    await until(async () => (await client.get('/health')).body['slots_active'] === 1);
    expect(await ask(client, '/park')).toEqual({ type: 'fatal', kind: 'busy', message: '1 requests run and 0 wait; drain the replica first' });
    end();
    expect((await answer).status).toBe(200);
    const parking = ask(client, '/park');
    await until(async () => JSON.parse((await client.generate(aGenerateRequest({ output: { stream: false } }))).text).code === 'INSTANCE_NOT_LOADED');
    finish();
    expect(await parking).toMatchObject({ type: 'answer' });
  });

  test('C-243 idle slots are written, those that were used last first, and a request waits for its slot', async () => {
    const asked: (readonly number[])[] = [];
    let finish = (): void => {};
    const saved = new Promise<{ prefixes: number; tokens: number; sizeBytes: number }>((resolve) => (finish = () => resolve({ prefixes: 2, tokens: 9, sizeBytes: 10 })));
    const { client } = await serve(() => ({}), {}, { savePrefixes: ({ slots, maxBytes }) => (asked.push([...slots, maxBytes]), saved) });
    await client.generate(aGenerateRequest());
    const saving = ask(client, '/prefixes', { max_bytes: 77 });
    await until(() => asked.length === 1);
    const answer = client.generate(aGenerateRequest());
    await until(async () => (await client.get('/health')).body['waiting'] === 1);
    finish();
    expect([await saving, (await answer).status, asked]).toEqual([{ type: 'answer', answer: { prefixes: 2, tokens: 9, sizeBytes: 10 } }, 200, [[0, 1, 77]]]);
  });

  test('C-129 the wrong field is named', async () => {
    const { client } = await serve(() => ({}));
    const { status, text } = await client.post(JSON.stringify({ ...aGenerateRequest(), max_tokens: 0 }));
    expect([status, JSON.parse(text)]).toEqual([400, { code: 'INVALID_PARAMS', message: expect.stringContaining('max_tokens'), retriable: false, field: 'max_tokens' }]);
  });
});
