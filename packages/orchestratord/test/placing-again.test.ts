import { describe, expect, test } from '@jest/globals';
import { ApiError } from '@corral/contracts';
import type { DispatchOutcome } from '../src/tasks/dispatcher.js';
import { aPool, aReplica, aRig, DONE, LOST, NONE } from './task-loop-rig.js';

const FULL: DispatchOutcome = { kind: 'failed', placeAgain: true, attempted: false, error: new ApiError('POOL_UNREADY', 'it is not resident') };
const onNode = (nodeId: string, poolId: string, replicaId: string) => ({ ...aPool(poolId, [aReplica(replicaId, 'm', 1)], { node_id: nodeId }), nodeId });
const errorOf = (told: { readonly endings: readonly unknown[] }) => (told.endings[0] as { readonly error: ApiError }).error;

describe('placing again', () => {
  test('B-68 A-153 after so many tries it fails, and says how often it ran and where', async () => {
    const { submit, state, clock } = aRig({ pools: [onNode('n1', 'p1', 'r1'), onNode('n2', 'p2', 'r2')] });
    const told = submit('t1');
    for (let n = 0; n < 3; n += 1) {
      await state.running.get('t1')?.finish(LOST);
      await clock.advance(1_000);
    }
    expect([errorOf(told).code, errorOf(told).message]).toEqual(['WORKER_RESET', expect.stringMatching(/^the task was tried 3 times, on r\d in p\d on n\d \(WORKER_RESET\), .*; gone$/)]);
    expect([state.started, errorOf(told).message.includes('r1 in p1 on n1'), errorOf(told).message.includes('r2 in p2 on n2')]).toEqual([['t1', 't1', 't1'], true, true]);
  });

  test('I-02 A-151 each try is the same request: seed, id and time of creation', async () => {
    const { submit, state, clock } = aRig();
    submit('t1');
    const first = state.running.get('t1')?.request;
    await clock.advance(5_000);
    await state.running.get('t1')?.finish(LOST);
    await clock.advance(1_000);
    const second = state.running.get('t1')?.request;
    expect(second).not.toBe(first);
    expect(second).toEqual(first);
  });

  test('A-152 a refusal that no worker saw is no try; its replica is left alone longer each time', async () => {
    const { submit, state, clock, loop } = aRig({ limits: { queueWaitMs: 20_000 } });
    const told = submit('t1');
    for (let ms = 0; ms < 19_000; ms += 100) {
      await state.running.get('t1')?.finish(FULL);
      await clock.advance(100);
    }
    expect([told.endings, state.started.length > 8, state.started.length < 20]).toEqual([[], true, true]);
    await clock.advance(3_000);
    await state.running.get('t1')?.finish(DONE);
    expect([told.endings, loop.leasesOf('p1')]).toEqual([[{ kind: 'completed' }], 0]);
  });

  test('A-152 a replica that works in between is left alone for the short while each time', async () => {
    const { submit, state, clock } = aRig();
    for (let n = 0; n < 10; n += 1) {
      submit(`t${n}`);
      await state.running.get(`t${n}`)?.finish(FULL);
      await clock.advance(60);
      const again = state.running.get(`t${n}`);
      Object.assign(again?.progress ?? {}, { firstByteAtMs: clock.monotonicMs() });
      await again?.finish(DONE);
    }
    expect(state.started.length).toBe(20);
  });

  test('B-68 a task whose worker died waits while that is started again, and takes another replica at once', async () => {
    const { submit, state, clock, changed } = aRig();
    const told = submit('t1');
    state.pools = [aPool('p1', [])];
    state.status.set('m@2048', { ...NONE, state: 'loading', message: 'm is started again in pool p1 after: it crashed' });
    await state.running.get('t1')?.finish(LOST);
    await clock.advance(2_000);
    expect([told.endings, told.frames.at(-1)]).toEqual([[], 'waits for m is started again in pool p1 after: it crashed']);
    state.pools = [aPool('p1', []), aPool('p2', [aReplica('r2', 'm', 1)])];
    changed();
    expect([state.started.length, state.running.get('t1')?.poolId]).toEqual([2, 'p2']);
  });

  test('A-156 behind an open breaker a task ends at once with its story and the time to come back, the lost try included', async () => {
    const { submit, state, clock } = aRig();
    const told = submit('t1');
    await state.running.get('t1')?.finish(LOST);
    state.pools = [aPool('p1', [])];
    state.status.set('m@2048', { ...NONE, state: 'failed', message: 'm could not be loaded: it failed 5 times in a row', retryAfterMs: 240_000 });
    await clock.advance(500);
    expect([errorOf(told).code, errorOf(told).details, errorOf(told).message]).toEqual([
      'MODEL_NOT_AVAILABLE', { retry_after_ms: 240_000 }, 'the task was tried once, on r1 in p1 on n1 (WORKER_RESET); m could not be loaded: it failed 5 times in a row',
    ]);
    expect(() => submit('t2')).toThrow(expect.objectContaining({ code: 'MODEL_NOT_AVAILABLE', details: { retry_after_ms: 240_000 } }));
  });

  test('DESIGN 9 A-155 of a node that went away, what flows goes on; the rest is placed elsewhere', async () => {
    const { submit, state, clock, changed } = aRig({ pools: [{ ...aPool('p1', [aReplica('r1', 'm', 3)]), nodeId: 'n1' }] });
    const told = ['flows', 'silent', 'waits'].map((id) => submit(id));
    const progress = (id: string, lastByteAtMs: number) => Object.assign(state.running.get(id)?.progress ?? {}, { frames: 1, firstByteAtMs: 0, lastByteAtMs });
    await clock.advance(60_000);
    progress('flows', clock.monotonicMs() - 100);
    progress('silent', clock.monotonicMs() - 10_000);
    state.pools = [{ ...aPool('p1', [aReplica('r1', 'm', 3)]), online: false }, onNode('n2', 'p2', 'r2')];
    changed({ type: 'offline', nodeId: 'n1', reason: 'it has not reported' });
    await clock.advance(300);
    expect(['flows', 'silent', 'waits'].map((id) => state.running.get(id)?.lost.aborted)).toEqual([false, false, true]);
    expect([state.started, state.running.get('silent')?.poolId, told.map(({ endings }) => endings)]).toEqual([['flows', 'silent', 'waits', 'silent'], 'p2', [[], [], []]]);
  });

  test('E-24 A-155 what ran on the process that another one replaced is lost, leases included', async () => {
    const { submit, state, changed, loop, settle } = aRig();
    const told = submit('t1');
    Object.assign(state.running.get('t1')?.progress ?? {}, { frames: 1, firstByteAtMs: 0, lastByteAtMs: 0 });
    state.pools = [aPool('p1', [])];
    changed({ type: 'restarted', nodeId: 'other', reason: 'anew' });
    expect(loop.leasesOf('p1')).toBe(1);
    changed({ type: 'restarted', nodeId: 'n1', reason: 'anew' });
    await settle();
    expect([loop.leasesOf('p1'), loop.leasesOfReplica('r1'), loop.depthOf('p1', 'interactive'), told.endings]).toEqual([0, 0, 1, []]);
  });

  test('DESIGN 3 a long try counts neither as queueing nor as loading', async () => {
    const { submit, state, clock } = aRig({ limits: { queueWaitMs: 5_000, loadWaitMs: 5_000 } });
    state.pools = [aPool('p1', [])];
    state.status.set('m@2048', { ...NONE, state: 'loading', message: 'it loads' });
    const told = submit('t1');
    await clock.advance(3_000);
    state.pools = [aPool('p1', [aReplica('r1', 'm', 1)])];
    state.status.delete('m@2048');
    await clock.advance(200);
    await clock.advance(60_000);
    state.pools = [aPool('p1', [])];
    state.status.set('m@2048', { ...NONE, state: 'loading', message: 'it is started again' });
    await state.running.get('t1')?.finish(LOST);
    await clock.advance(4_000);
    expect([state.started, told.endings]).toEqual([['t1'], []]);
    await clock.advance(2_000);
    expect(told.endings).toEqual([{ kind: 'failed', error: expect.objectContaining({ code: 'LOAD_TIMEOUT' }) }]);
  });

  test('T-32 A-82 A-154 a watchdog counts as a cancel for its reason, also where the worker has told the client', async () => {
    const { submit, state, metrics, loop } = aRig({ pools: [aPool('p1', [aReplica('r1', 'm', 3)])] });
    const told = ['t1', 't2', 't3'].map((id) => submit(id));
    await state.running.get('t1')?.finish({ kind: 'failed', placeAgain: false, attempted: true, error: new ApiError('DECODE_TIMEOUT', 'late') });
    await state.running.get('t2')?.finish({ kind: 'told', error: new ApiError('DECODE_TIMEOUT', 'late') });
    await state.running.get('t3')?.finish({ ...LOST, placeAgain: false } as DispatchOutcome);
    const text = await metrics.exposition();
    expect(text.split('\n').filter((line) => line.startsWith('tasks_canceled_total{'))).toEqual([expect.stringMatching(/reason="timeout".* 2$/)]);
    expect(text.split('\n').filter((line) => line.startsWith('tasks_finished_total{')).toSorted()).toEqual([expect.stringMatching(/outcome="DECODE_TIMEOUT".* 2$/), expect.stringMatching(/outcome="WORKER_RESET".* 1$/)]);
    expect([told.map(({ endings }) => (endings[0] as { kind: string }).kind), loop.leasesOf('p1')]).toEqual([['failed', 'completed', 'failed'], 0]);
  });
});
