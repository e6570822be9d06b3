import { ApiError, type Operation } from '@corral/contracts';
import { FakeClock } from '@corral/test-kit';
import { expect, test } from '@jest/globals';
import { request } from 'undici';
import { createHttpApp, listen, operationRoutes, Operations, sendOperation, silentLog, systemClock, wantsToWait, type OperationsOptions, type OperationStep } from '../src/index.js';

const WHAT = { kind: 'paint', subject: { wall: 'north' } };
const RUNNING = { ...WHAT, operation_id: expect.any(String), state: 'running', phase: 'starting', progress: null, detail: null, result: null, error: null, created_at: '1970-01-01T00:00:00.000Z', ended_at: null };

function setup(options: Partial<OperationsOptions> = {}) {
  const clock = new FakeClock();
  const operations = new Operations({ clock, log: silentLog, ...options });
  const held = () => {
    const job = { step: (() => {}) as OperationStep, signal: new AbortController().signal, finish: (_result: unknown): void => {}, fail: (_error: Error): void => {} };
    const operation = operations.start(WHAT, (step, signal) => new Promise((finish, fail) => Object.assign(job, { step, signal, finish, fail })));
    return { operation, job };
  };
  const shown = ({ operation_id }: Operation) => operations.get(operation_id);
  return { clock, operations, held, shown };
}

test('B-104 an operation is shown while it runs, with its progress, and with its result once it has ended', async () => {
  const { clock, operations, held, shown } = setup();
  const { operation, job } = held();
  expect(operation).toEqual(RUNNING);
  job.step({ phase: 'first coat', fraction: 0.4, detail: '2 of 5 m²' });
  expect(shown(operation)).toEqual({ ...RUNNING, phase: 'first coat', progress: 0.4, detail: '2 of 5 m²' });
  await clock.advance(1_000);
  job.finish({ litres: 3 });
  expect(await operations.ended(operation.operation_id)).toEqual({ ...RUNNING, state: 'succeeded', phase: 'first coat', progress: 1, detail: '2 of 5 m²', result: { litres: 3 }, ended_at: '1970-01-01T00:00:01.000Z' });
  job.step({ phase: 'second coat', fraction: 0 });
  expect(shown(operation)?.phase).toBe('first coat');
});

test('B-104 an operation that fails shows the code and message of its error; a defect shows nothing of itself', async () => {
  const { operations, held } = setup();
  const [refused, broken] = [held(), held()];
  refused.job.fail(new ApiError('CONFLICT', 'the wall is wet; wait', { hint: 'an hour' }));
  broken.job.fail(new Error('secret detail'));
  const errors = await Promise.all([refused, broken].map(async ({ operation }) => (await operations.ended(operation.operation_id))?.error));
  expect(errors).toEqual([
    { code: 'CONFLICT', message: 'the wall is wet; wait', retriable: false, hint: 'an hour' },
    { code: 'INTERNAL', message: 'internal error; look for the correlation id in the log', retriable: false },
  ]);
});

test('C-260 at shutdown what runs ends as failed with the reason, hears of it, and nothing more begins', async () => {
  const { operations, held, shown } = setup();
  const { operation, job } = held();
  const ended = operations.ended(operation.operation_id);
  operations.close();
  expect([(await ended)?.state, shown(operation)?.error?.code, job.signal.aborted]).toEqual(['failed', 'SHUTTING_DOWN', true]);
  job.finish('too late');
  await Promise.resolve();
  expect(shown(operation)?.state).toBe('failed');
  expect(() => operations.start(WHAT, () => Promise.resolve())).toThrow('the daemon stops');
});

test('C-260 ended operations are kept by number and age, those that run are limited and always kept', async () => {
  const { clock, operations, held, shown } = setup({ endedMax: 2, endedMaxAgeMs: 1_000, runningMax: 2 });
  const long = held();
  const ended: Operation[] = [];
  for (let n = 0; n < 3; n += 1) {
    const { operation, job } = held();
    ended.push(operation);
    job.finish(n);
    await operations.ended(operation.operation_id);
  }
  expect(operations.list().map(({ operation_id }) => operation_id)).toEqual([ended[2], ended[1], long.operation].map((one) => one?.operation_id));
  held();
  expect(() => held()).toThrow('2 operations run already');
  await clock.advance(1_001);
  expect([ended[2] && shown(ended[2]), shown(long.operation)?.state]).toEqual([undefined, 'running']);
});

async function served() {
  const operations = new Operations({ clock: systemClock, log: silentLog });
  const jobs: { finish(result: unknown): void; fail(error: Error): void; signal: AbortSignal }[] = [];
  const app = createHttpApp({
    log: silentLog,
    routes: (router) => {
      operationRoutes(router, operations);
      router.post('/v2/walls', async (req, res) => {
        wantsToWait(req);
        await sendOperation(req, res, operations, operations.start(WHAT, (_step, signal) => new Promise((finish, fail) => jobs.push({ finish, fail, signal }))));
      });
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
  const call = async (method: 'GET' | 'POST', path: string, signal?: AbortSignal) => {
    const answer = await request(`${server.url}${path}`, { method, ...(signal === undefined ? {} : { signal }) });
    return { status: answer.statusCode, location: answer.headers['location'], body: (await answer.body.json()) as Record<string, unknown> };
  };
  const begun = async (count: number) => {
    while (jobs.length < count) await systemClock.sleep(5);
    return jobs[count - 1] as (typeof jobs)[number];
  };
  return { operations, call, begun, close: () => server.close(0) };
}

test('G-11 the call that begins an operation answers 202 with it, and with ?wait=true its end: 200, or the status and body of its error', async () => {
  const { call, begun, close } = await served();
  const first = await call('POST', '/v2/walls');
  expect(first).toEqual({ status: 202, location: `/v2/operations/${String(first.body['operation_id'])}`, body: expect.objectContaining({ state: 'running' }) });
  const good = call('POST', '/v2/walls?wait=true');
  (await begun(2)).finish({ litres: 3 });
  expect(await good).toMatchObject({ status: 200, body: { state: 'succeeded', result: { litres: 3 } } });
  const bad = call('POST', '/v2/walls?wait=true');
  (await begun(3)).fail(new ApiError('CONFLICT', 'the wall is wet; wait'));
  expect(await bad).toMatchObject({ status: 409, body: { code: 'CONFLICT', message: 'the wall is wet; wait' } });
  expect(await call('POST', '/v2/walls?wait=maybe')).toMatchObject({ status: 400, body: { field: 'wait' } });
  await close();
});

test('G-11 a caller that waits and goes away does not end the operation', async () => {
  const { operations, call, begun, close } = await served();
  const leave = new AbortController();
  const waiting = call('POST', '/v2/walls?wait=true', leave.signal).catch((error: Error) => error.name);
  const job = await begun(1);
  leave.abort();
  expect(await waiting).toBe('AbortError');
  expect(job.signal.aborted).toBe(false);
  job.finish('done');
  const [operation] = operations.list();
  expect(await operations.ended(operation?.operation_id ?? '')).toMatchObject({ state: 'succeeded', result: 'done' });
  await close();
});

test('B-104 operations are listed newest first, page by page; an unknown one is 404 and says that they do not survive a restart', async () => {
  const { call, close } = await served();
  const ids: unknown[] = [];
  for (let n = 0; n < 3; n += 1) ids.unshift((await call('POST', '/v2/walls')).body['operation_id']);
  const first = await call('GET', '/v2/operations?limit=2');
  const second = await call('GET', `/v2/operations?limit=2&cursor=${String(first.body['next_cursor'])}`);
  const idsOf = ({ body }: typeof first) => (body['data'] as Operation[]).map(({ operation_id }) => operation_id);
  expect([idsOf(first), idsOf(second), second.body['next_cursor']]).toEqual([ids.slice(0, 2), ids.slice(2), null]);
  expect(await call('GET', '/v2/operations/op-none')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', message: expect.stringContaining('do not survive a restart') } });
  expect(await call('GET', '/v2/operations?limit=0')).toMatchObject({ status: 400, body: { field: 'limit' } });
  await close();
});
