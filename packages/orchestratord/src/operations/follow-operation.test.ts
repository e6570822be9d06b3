import { ApiError, type Operation } from '@corral/contracts';
import { ConnectionError } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { expect, test } from '@jest/globals';
import { followOperation } from './follow-operation.js';

const OPERATION: Operation = { operation_id: 'op-1', kind: 'paint', subject: {}, state: 'running', phase: 'first coat', progress: 0.5, detail: null, result: null, error: null, created_at: '2026-01-01T00:00:00.000Z', ended_at: null };
const away = () => new ConnectionError({ peer: 'n1:9200', causeCode: 'ECONNREFUSED', reached: false }, undefined);

/** Follows a node that gives these answers, the last one for ever. */
function follow(...answers: readonly (Partial<Operation> | Error)[]) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const steps: unknown[] = [];
  const json = (_method: string, path: string) => {
    const answer = answers[Math.min(asked.push(path), answers.length) - 1];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ ...OPERATION, ...answer } as never);
  };
  const leave = new AbortController();
  const result = followOperation({ client: { json, peer: 'n1:9200' }, clock }, 'op-1', (progress) => steps.push(progress), leave.signal).catch((error: unknown) => error);
  return { clock, steps, result, leave };
}

test('B-104 the operation of a node is followed through a moment of silence to its result, and its progress is passed on', async () => {
  const { clock, steps, result } = follow({}, away(), { phase: 'second coat', progress: null, detail: 'slowly' }, { state: 'succeeded', result: { litres: 3 } });
  await clock.advance(750);
  expect(await result).toEqual({ litres: 3 });
  expect(steps).toEqual([{ phase: 'first coat', fraction: 0.5 }, { phase: 'second coat', fraction: null, detail: 'slowly' }]);
});

test('B-104 its error is thrown as the node raised it', async () => {
  const { result } = follow({ state: 'failed', error: { code: 'MODEL_IN_USE', message: 'it is loaded; unload it', retriable: false, hint: 'later' } });
  expect(await result).toEqual(new ApiError('MODEL_IN_USE', 'it is loaded; unload it', { hint: 'later' }));
});

test('C-260 a node that restarted, or is silent for too long, ends the wait with what to look at', async () => {
  const restarted = follow({}, new ApiError('NOT_FOUND', 'operation op-1 not found'));
  await restarted.clock.advance(250);
  expect(await restarted.result).toMatchObject({ code: 'NODE_UNAVAILABLE', message: expect.stringContaining('restarted in the middle') });
  const silent = follow(away());
  await silent.clock.advance(31_000);
  expect(await silent.result).toMatchObject({ code: 'NODE_UNAVAILABLE', message: expect.stringContaining('has not answered for 30 s') });
});

test('B-104 whoever no longer follows is not kept waiting', async () => {
  const { clock, result, leave } = follow({});
  await clock.advance(100);
  leave.abort(new Error('the daemon stops'));
  expect(await result).toEqual(new Error('the daemon stops'));
});
