import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { GenerateUsage, validator } from '@corral/contracts';
import { isEngineError, type EngineProvider, type EngineReplica, type ReplicaSpec } from '@corral/engine';
import { silentLog } from '@corral/service-kit';
import { aGenerateRequest } from '../a-generate-request.js';
import { eventually } from '../cluster/processes.js';
import { engineClient, eventsOf } from '../engine-client.js';

/** What a suite needs of one engine. */
export interface EngineSubject {
  readonly provider: EngineProvider;
  /** A model that answers any prompt with at least 8 tokens and ends by itself. */
  readonly spec: ReplicaSpec;
  /** A model that answers with at least 100,000 tokens or as many as its context holds, slowly enough to be stopped. */
  readonly endless: ReplicaSpec;
  /** One whose load takes long enough to be aborted. */
  readonly slowToLoad?: ReplicaSpec;
}

const parseUsage = validator(GenerateUsage);
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** What every engine behind the port does. Every replica that a test starts is gone after it. */
export function engineConformance(name: string, makeSubject: () => Promise<EngineSubject>): void {
  describe(`engine: ${name}`, () => {
    let subject: EngineSubject;
    const running: { replica: EngineReplica; client: ReturnType<typeof engineClient> }[] = [];

    beforeEach(async () => {
      subject = await makeSubject();
    });
    afterEach(async () => {
      for (const { replica, client } of running.splice(0)) {
        await client.close();
        await replica.stop(0);
        expect(isAlive(replica.pid)).toBe(false);
      }
    });

    const start = async (spec: ReplicaSpec = subject.spec): Promise<(typeof running)[number]> => {
      const replica = await subject.provider.start(spec, { signal: new AbortController().signal, log: silentLog });
      const started = { replica, client: engineClient(replica.socketPath) };
      running.push(started);
      return started;
    };
    const slotsActive = async (client: ReturnType<typeof engineClient>): Promise<unknown> => (await client.get('/health')).body['slots_active'];
    const untilIdle = async (client: ReturnType<typeof engineClient>): Promise<void> => {
      await eventually('no request runs', 120_000, async () => (await slotsActive(client)) === 0);
    };

    test('C-23 C-120 a replica is one process that answers on a private socket, gone with it', async () => {
      const progress: number[] = [];
      const replica = await subject.provider.start(subject.spec, { signal: new AbortController().signal, log: silentLog, onProgress: (fraction) => progress.push(fraction) });
      const client = engineClient(replica.socketPath);
      running.push({ replica, client });
      expect(isAlive(replica.pid)).toBe(true);
      expect(Buffer.byteLength(replica.socketPath)).toBeLessThanOrEqual(107);
      expect(await client.get('/health')).toEqual({
        status: 200,
        body: { status: 'ok', replica_id: subject.spec.replicaId, slots_total: subject.spec.slots, slots_active: 0, waiting: 0, context_tokens: subject.spec.contextTokens },
      });
      expect({ slots: replica.info.slots, contextTokens: replica.info.contextTokens }).toEqual({ slots: subject.spec.slots, contextTokens: subject.spec.contextTokens });
      expect(progress).toEqual(progress.toSorted((a, b) => a - b));
      await replica.stop(5_000);
      expect(await replica.exited).toEqual({ kind: 'stopped' });
      expect([isAlive(replica.pid), existsSync(replica.socketPath)]).toEqual([false, false]);
    });

    test('T-17 C-128 the task dialect: one frame per token, then an end that counts them, and a usage trailer', async () => {
      const { client } = await start();
      const answer = await client.generate(aGenerateRequest({ annotations: { pool_id: 'p1' } }));
      const events = eventsOf(answer.text);
      const tokens = events.filter(({ event }) => event === 'token').map(({ data }) => data as { t: string; i: number });
      const end = (events.at(-1)?.data ?? {}) as Record<string, unknown>;
      expect([answer.status, answer.contentType]).toEqual([200, 'text/event-stream; charset=utf-8']);
      expect(tokens.map(({ i }) => i)).toEqual(tokens.map((_, n) => n));
      expect(events.at(-1)).toEqual({ event: 'end', data: { tokens_in: expect.any(Number), tokens_out: tokens.length, decode_time_ms: expect.any(Number), decode_ms: expect.any(Number), finish_reason: 'stop', pool_id: 'p1' } });
      const usage = parseUsage(JSON.parse(answer.trailers['x-corral-usage'] ?? 'null'));
      expect(usage.ok && usage.value).toEqual({
        tokens_in: end['tokens_in'],
        tokens_cached: 0,
        tokens_out: tokens.length,
        first_token_ms: expect.any(Number),
        decode_time_ms: end['decode_time_ms'],
        finish_reason: 'stop',
      });
    });

    test('C-129 every dialect says the same text, streamed and whole, with a usage trailer', async () => {
      const { client } = await start();
      const answer = async (dialect: 'task' | 'openai_chat' | 'openai_completion', stream: boolean): Promise<string> => {
        const { status, text, trailers } = await client.generate(aGenerateRequest({ output: { dialect, stream, include_usage: true } }));
        expect([status, parseUsage(JSON.parse(trailers['x-corral-usage'] ?? 'null')).ok]).toEqual([200, true]);
        return stream ? streamedText(text) : wholeText(text);
      };
      const expected = await answer('task', true);
      expect(expected).not.toBe('');
      for (const dialect of ['task', 'openai_chat', 'openai_completion'] as const) {
        expect([dialect, await answer(dialect, true), await answer(dialect, false)]).toEqual([dialect, expected, expected]);
      }
    });

    test('C-129 an OpenAI stream ends with the reason, the usage when asked for, and [DONE]', async () => {
      const { client } = await start();
      const shapes = async (include_usage: boolean): Promise<unknown[]> => {
        const { text } = await client.generate(aGenerateRequest({ max_tokens: 2, output: { dialect: 'openai_chat', include_usage } }));
        return eventsOf(text).map(({ data }) => (typeof data === 'string' ? data : (data as { choices: readonly { finish_reason: string | null }[] }).choices.map((choice) => choice.finish_reason)));
      };
      expect((await shapes(false)).slice(-2)).toEqual([['length'], '[DONE]']);
      expect((await shapes(true)).slice(-3)).toEqual([['length'], [], '[DONE]']);
    });

    test('C-127 a prompt or a max_tokens beyond the context is refused with the numbers, or cut where that is wished', async () => {
      const { client } = await start();
      const long = aGenerateRequest({ input: { type: 'prompt', prompt: 'a b '.repeat(subject.spec.contextTokens) } });
      const tooMany = (overflow: 'refuse' | 'truncate') => aGenerateRequest({ max_tokens: subject.spec.contextTokens, overflow });
      const refusals = await Promise.all([long, tooMany('refuse')].map((request) => client.generate(request)));
      expect(refusals.map(({ status, contentType, text }) => [status, contentType, JSON.parse(text)])).toEqual(
        ['input', 'max_tokens'].map((field) => [400, 'application/json; charset=utf-8', { code: 'CONTEXT_LENGTH_EXCEEDED', message: expect.stringContaining(String(subject.spec.contextTokens)), retriable: false, field }]),
      );
      expect((await client.generate(tooMany('truncate'))).status).toBe(200);
    });

    test('C-129 a refusal before the stream has the shape of its dialect', async () => {
      const { client } = await start();
      const overlong = { input: { type: 'prompt', prompt: 'a b '.repeat(subject.spec.contextTokens) } } as const;
      const openai = await client.generate(aGenerateRequest({ ...overlong, output: { dialect: 'openai_chat' } }));
      expect(JSON.parse(openai.text)).toEqual({
        error: { code: 'CONTEXT_LENGTH_EXCEEDED', message: expect.any(String), retriable: false, field: 'input', type: 'invalid_request_error', param: 'input' },
      });
      expect([(await client.post('{')).status, (await client.post('{"task_id":1}')).status]).toEqual([400, 400]);
      expect((await client.get('/nothing')).status).toBe(404);
    });

    test('T-30 C-126 a client that leaves frees its slot', async () => {
      const { client } = await start(subject.endless);
      const leave = new AbortController();
      const response = await client.open(aGenerateRequest(), leave.signal);
      for await (const chunk of response.body as AsyncIterable<Buffer>) if (chunk.length > 0) break;
      leave.abort();
      await untilIdle(client);
      expect((await client.generate(aGenerateRequest({ max_tokens: 1 }))).status).toBe(200);
    });

    test('C-130 a deadline ends the stream with its code', async () => {
      const { client } = await start(subject.endless);
      const streamed = await client.generate(aGenerateRequest({ deadlines: { wall_ms: 1_500 } }));
      const openai = await client.generate(aGenerateRequest({ deadlines: { wall_ms: 1_500 }, output: { dialect: 'openai_completion' } }));
      const failure = { code: 'DECODE_TIMEOUT', message: expect.any(String), retriable: true };
      expect(eventsOf(streamed.text).at(-1)).toEqual({ event: 'error', data: failure });
      expect(eventsOf(openai.text).at(-1)).toEqual({ event: 'message', data: { error: { ...failure, type: 'server_error', param: null } } });
      await untilIdle(client);
    });

    test('C-132 requests beyond the slots and as many waiting ones are refused', async () => {
      const { client } = await start(subject.endless);
      const leave = new AbortController();
      const crowd = Array.from({ length: 2 * subject.endless.slots }, () => client.generate(aGenerateRequest(), leave.signal).catch(() => undefined));
      await eventually('every place is taken', 120_000, async () => (await client.get('/health')).body['waiting'] === subject.endless.slots);
      const refused = await client.generate(aGenerateRequest());
      expect([refused.status, JSON.parse(refused.text)]).toEqual([503, { code: 'REPLICA_EXHAUSTED', message: expect.any(String), retriable: true }]);
      leave.abort();
      await Promise.all(crowd);
      await untilIdle(client);
    });

    test('C-122 a killed process is a crash that says so, and its socket is gone', async () => {
      const { replica } = await start();
      process.kill(replica.pid, 'SIGKILL');
      expect(await replica.exited).toEqual({ kind: 'crashed', error: expect.stringContaining('SIGKILL'), reason: 'sigkill', code: null, signal: 'SIGKILL', lastWords: expect.any(Array) });
      expect(existsSync(replica.socketPath)).toBe(false);
    });

    test('C-121 stopping ends a running stream with SHUTTING_DOWN, within the grace', async () => {
      const { replica, client } = await start(subject.endless);
      // Its head comes with the first token.
      const { body } = await client.open(aGenerateRequest());
      const stream = body.text();
      await replica.stop(10_000);
      expect(eventsOf(await stream).at(-1)).toEqual({ event: 'error', data: { code: 'SHUTTING_DOWN', message: expect.any(String), retriable: true } });
      expect(await replica.exited).toEqual({ kind: 'stopped' });
    });

    test('C-121 an abort during the start ends the process and leaves no socket', async () => {
      const abort = new AbortController();
      const begun = subject.provider.start(subject.slowToLoad ?? subject.spec, { signal: abort.signal, log: silentLog });
      setTimeout(() => abort.abort(new Error('not wanted any more')), 150);
      await expect(begun).rejects.toThrow('not wanted any more');
      await expect(subject.provider.start(subject.spec, { signal: abort.signal, log: silentLog })).rejects.toThrow('not wanted any more');
    });

    test('C-240 a parked replica keeps its process and answers nobody; resumed, it says what it said before', async () => {
      const { replica, client } = await start();
      const say = async (): Promise<string> => wholeText((await client.generate(aGenerateRequest({ output: { stream: false } }))).text);
      const before = await say();
      const parked = await replica.park();
      expect(parked).toEqual({ memory: { mappedBytes: expect.any(Number), ownBytes: expect.any(Number) }, parkMs: expect.any(Number) });
      expect([await replica.park(), isAlive(replica.pid)]).toEqual([parked, true]);
      expect(await client.get('/health')).toMatchObject({ status: 200, body: { status: 'ok', parked: true, slots_active: 0 } });
      const refused = await client.generate(aGenerateRequest());
      expect([refused.status, JSON.parse(refused.text)]).toMatchObject([503, { code: 'INSTANCE_NOT_LOADED', retriable: true }]);
      expect(await replica.resume()).toEqual({ ...replica.info, contextTokens: subject.spec.contextTokens });
      expect([await say(), await replica.resume(), (await client.get('/health')).body['parked']]).toEqual([before, replica.info, undefined]);
    });

    test('C-240 a replica is not parked under a request', async () => {
      const { replica, client } = await start(subject.endless);
      const leave = new AbortController();
      const stream = client.generate(aGenerateRequest(), leave.signal).catch(() => undefined);
      await eventually('a request runs', 120_000, async () => (await slotsActive(client)) === 1);
      await expect(replica.park()).rejects.toMatchObject({ kind: 'busy' });
      leave.abort();
      await stream;
      await untilIdle(client);
      expect((await replica.park()).parkMs).toBeGreaterThanOrEqual(0);
    });

    test('C-241 whatever its owner has asked, stopping ends the process and every call', async () => {
      for (const ask of [(replica: EngineReplica) => replica.park(), (replica: EngineReplica) => replica.resume(), (replica: EngineReplica) => replica.savePrefixes({ maxBytes: 1_000_000 })]) {
        const { replica } = await start();
        await replica.park();
        const asked = ask(replica).then(
          () => 'answered',
          (error: unknown) => (isEngineError(error) ? error.kind : String(error)),
        );
        await replica.stop(0);
        expect(['answered', 'worker_failed']).toContain(await asked);
        expect([isAlive(replica.pid), existsSync(replica.socketPath), await replica.exited]).toEqual([false, false, { kind: 'stopped' }]);
        await expect(ask(replica)).rejects.toMatchObject({ kind: 'worker_failed' });
      }
    });

    test('C-241 a parked process that is killed is a crash like any other', async () => {
      const { replica } = await start();
      await replica.park();
      process.kill(replica.pid, 'SIGKILL');
      expect(await replica.exited).toMatchObject({ kind: 'crashed', reason: 'sigkill' });
      await expect(replica.resume()).rejects.toMatchObject({ kind: 'worker_failed' });
    });

    test('C-243 where no folder was given nothing is kept', async () => {
      const { replica, client } = await start();
      await client.generate(aGenerateRequest());
      expect(await replica.savePrefixes({ maxBytes: 1e9 })).toEqual({ prefixes: 0, tokens: 0, sizeBytes: 0 });
    });

    test('C-150 a load takes the process that waits for it, and closing ends those that wait', async () => {
      const { deviceKind, deviceMask } = subject.spec;
      const standby = subject.provider.standBy({ deviceKind, deviceMask }, { workers: 1, log: silentLog, onChange: () => undefined });
      const ready = (): Promise<readonly number[]> => eventually('a process waits', 120_000, () => Promise.resolve(standby.state.ready === 1 && standby.state.pids));
      const [waiting] = await ready();
      const { replica, client } = await start();
      expect([replica.pid, (await client.generate(aGenerateRequest())).status]).toEqual([waiting, 200]);
      const next = await ready();
      await standby.close();
      expect([standby.state, next.map(isAlive)]).toEqual([{ ready: 0, pids: [], lastError: null }, [false]]);
    });

    test('C-23 a spec that no process could hold is refused before one is started', async () => {
      const wrong: Partial<ReplicaSpec>[] = [{ slots: 0 }, { slots: 257 }, { contextTokens: 1 }, { threads: 0 }, { modelPath: 'relative.gguf' }, { deviceMask: '0,1' }, { prefillChunkTokens: subject.spec.batchTokens + 1 }];
      const kinds = await Promise.all(
        wrong.map((change) => subject.provider.start({ ...subject.spec, ...change }, { signal: new AbortController().signal, log: silentLog }).then(
          () => 'started',
          (error: unknown) => (isEngineError(error) ? error.kind : String(error)),
        )),
      );
      expect(kinds).toEqual(wrong.map(() => 'bad_spec'));
    });

    test('C-123 a file that is not there cannot be inspected', async () => {
      const inspected = subject.provider.inspect(join(tmpdir(), 'corral-no-such-model.gguf'), { deviceKind: subject.spec.deviceKind });
      await expect(inspected).rejects.toMatchObject({ kind: 'bad_model' });
    });
  });
}

function streamedText(stream: string): string {
  return eventsOf(stream)
    .map(({ data }) => {
      if (typeof data === 'string') return '';
      const { t, choices } = data as { t?: string; choices?: readonly { text?: string; delta?: { content?: string } }[] };
      return t ?? choices?.[0]?.delta?.content ?? choices?.[0]?.text ?? '';
    })
    .join('');
}

function wholeText(body: string): string {
  const { message, choices } = JSON.parse(body) as { message?: string; choices?: readonly { text?: string; message?: { content: string } }[] };
  return message ?? choices?.[0]?.message?.content ?? choices?.[0]?.text ?? '';
}
