import { describe, expect, test } from '@jest/globals';
import { ApiError } from '@corral/contracts';
import { aPool, aReplica, aRig, DONE, NONE } from './task-loop-rig.js';

describe('task loop', () => {
  test('A-70 T-24 T-25 interactive before batch, and first come first served inside a class', async () => {
    const { submit, state } = aRig();
    submit('first');
    submit('b1', { priority: 'batch' });
    submit('i1');
    submit('i2');
    for (const id of ['first', 'i1', 'i2', 'b1']) await state.running.get(id)?.finish(DONE);
    expect(state.started).toEqual(['first', 'i1', 'i2', 'b1']);
  });

  test('A-70 64 tasks on 4 slots: never more than 4 at once, all in order of arrival', async () => {
    const { submit, state, loop } = aRig({ pools: [aPool('p1', [aReplica('r1', 'm', 4)])] });
    const ids = Array.from({ length: 64 }, (_, n) => `t${n}`);
    const told = ids.map((id) => submit(id));
    for (const id of ids) {
      expect(loop.leasesOf('p1')).toBeLessThanOrEqual(4);
      await state.running.get(id)?.finish(DONE);
    }
    expect(state.started).toEqual(ids);
    expect(told.map((t) => t.endings)).toEqual(ids.map(() => [{ kind: 'completed' }]));
    expect([loop.leasesOf('p1'), loop.depthOf('p1', 'interactive')]).toEqual([0, 0]);
  });

  test('G-24 a model that is not resident queues, and does not block one that is', async () => {
    const { submit, state, changed } = aRig();
    state.status.set('cold@2048', NONE);
    submit('c1', { model: 'cold' });
    submit('m1');
    expect(state.started).toEqual(['m1']);
    expect(state.demands).toMatchObject([{ modelKey: 'cold@2048', waitingTasks: 1, oldestArrivalSeq: 0 }]);
    state.pools = [aPool('p1', [aReplica('r1', 'm', 1), aReplica('r2', 'cold', 1)])];
    changed();
    expect(state.started).toEqual(['m1', 'c1']);
    expect(state.demands).toEqual([]);
  });

  test('A-01 A-03 a replica that was told to yield gets no task', () => {
    const { submit, state, changed } = aRig();
    state.yielding.add('r1');
    submit('t1');
    expect(state.started).toEqual([]);
    state.yielding.clear();
    changed();
    expect(state.started).toEqual(['t1']);
  });

  test('B-67 T-28 a queued task that is canceled never starts', async () => {
    const { submit, state, loop } = aRig();
    submit('t1');
    const waiting = submit('t2');
    expect(loop.cancelFor('default', 't2')).toBe(true);
    expect(waiting.endings).toEqual([{ kind: 'canceled', tokensOut: 0, decodeTimeMs: 0 }]);
    await state.running.get('t1')?.finish(DONE);
    expect([state.started, loop.cancelFor('default', 't2'), loop.depthOf('p1', 'interactive')]).toEqual([['t1'], false, 0]);
  });

  test('B-67 T-27 a running task that is canceled says how far it came, and frees its slot', async () => {
    const { submit, state, loop, clock, settle } = aRig();
    const told = submit('t1');
    submit('t2');
    const running = state.running.get('t1');
    Object.assign(running?.progress ?? {}, { frames: 3, firstByteAtMs: clock.monotonicMs() });
    await clock.advance(120);
    loop.cancel('t1', 'canceled');
    await settle();
    expect([told.endings, running?.signal.aborted, state.started]).toEqual([[{ kind: 'canceled', tokensOut: 3, decodeTimeMs: 120 }], true, ['t1', 't2']]);
  });

  test('B-66 a client that goes away cancels its task', async () => {
    const { submit, state, loop, settle } = aRig();
    const told = submit('t1');
    told.gone.abort();
    await settle();
    expect([state.running.get('t1')?.signal.aborted, loop.leasesOf('p1'), told.endings.length]).toEqual([true, 0, 1]);
  });

  test('B-66 a client that has gone before its task is admitted starts nothing', () => {
    const { submit, state, loop } = aRig();
    submit('t1');
    const gone = new AbortController();
    gone.abort();
    const told = submit('t2', { gone });
    expect([told.endings.length, loop.depthOf('p1', 'interactive'), state.started]).toEqual([1, 0, ['t1']]);
  });

  test('T-22 B-54 a full queue refuses with the policy and when to come back', () => {
    const { submit } = aRig({ capacity: 1 });
    submit('t1');
    submit('t2');
    expect(() => submit('t3')).toThrow(
      expect.objectContaining({ code: 'ADMISSION_REJECT', details: { policy_label: 'reject', pool_id: 'p1', retry_after_ms: 1_000 } }),
    );
  });

  test('A-74 B-37 T-23 drop-lru: the oldest batch task makes room and is told', () => {
    const { submit } = aRig({ capacity: 1, fullPolicy: 'drop-lru' });
    submit('t1');
    const batch = submit('b1', { priority: 'batch' });
    submit('t2');
    expect(batch.endings).toEqual([{ kind: 'failed', error: expect.objectContaining({ code: 'QUEUE_FULL_DROP_LRU' }) }]);
  });

  test('B-55 T-35 without a ready pool the refusal is immediate and names the reason of the pool', () => {
    const { submit } = aRig({ pools: [aPool('p1', [], { ready: false, last_error: 'no GPU was found; start with --allow-cpu' })] });
    expect(() => submit('t1')).toThrow(expect.objectContaining({ code: 'POOL_UNREADY', message: expect.stringContaining('p1: no GPU was found; start with --allow-cpu') }));
  });

  test('A-76 a task that is placed again keeps its place', async () => {
    const { submit, state, clock } = aRig();
    submit('t1');
    submit('t2');
    await state.running.get('t1')?.finish({ kind: 'failed', placeAgain: true, attempted: true, error: new ApiError('REPLICA_EXHAUSTED', 'full') });
    await clock.advance(1_000);
    expect(state.started).toEqual(['t1', 't1']);
  });

  test('G-03 T-85 a load longer than its limit ends the wait, not the load', async () => {
    const { submit, state, clock } = aRig({ pools: [aPool('p1', [])], limits: { loadWaitMs: 1_000 } });
    state.status.set('m@2048', { ...NONE, state: 'loading', message: 'it loads', estimatedMs: 2_500 });
    const told = submit('t1');
    await clock.advance(2_000);
    expect(told.endings).toEqual([{ kind: 'failed', error: expect.objectContaining({ code: 'LOAD_TIMEOUT', details: expect.objectContaining({ retry_after_ms: 2_500 }) }) }]);
  });

  test('DESIGN 3 waiting for the turn of a model is no load: another deadline counts', async () => {
    const { submit, state, clock } = aRig({ pools: [aPool('p1', [])], limits: { loadWaitMs: 1_000, queueWaitMs: 5_000 } });
    state.status.set('m@2048', { ...NONE, state: 'waiting', message: 'another model has its turn' });
    const told = submit('t1');
    await clock.advance(3_000);
    expect(told.endings).toEqual([]);
    await clock.advance(3_000);
    expect(told.endings).toEqual([{ kind: 'failed', error: expect.objectContaining({ code: 'QUEUE_TIMEOUT' }) }]);
    expect(told.frames).toEqual(['started', 'waits for another model has its turn']);
  });

  test('D-23 a model that failed ends who waits for it, and refuses newcomers until it may be tried again', async () => {
    const { submit, state, clock } = aRig({ pools: [aPool('p1', [])] });
    state.status.set('m@2048', NONE);
    const told = submit('t1');
    state.status.set('m@2048', { ...NONE, state: 'failed', message: 'the digest differs', retryAfterMs: 5_000 });
    await clock.advance(500);
    expect(told.endings).toEqual([{ kind: 'failed', error: expect.objectContaining({ code: 'MODEL_NOT_AVAILABLE', message: 'the digest differs' }) }]);
    expect(() => submit('t2')).toThrow(expect.objectContaining({ code: 'MODEL_NOT_AVAILABLE', details: { retry_after_ms: 5_000 } }));
  });

  test('G-06 tasks move when their pool goes away', () => {
    const { submit, state, changed, loop } = aRig({ pools: [aPool('p1', [])] });
    state.status.set('m@2048', NONE);
    submit('t1');
    state.pools = [{ ...aPool('p1', []), online: false }, aPool('p2', [])];
    changed();
    expect([loop.depthOf('p1', 'interactive'), loop.depthOf('p2', 'interactive')]).toEqual([0, 1]);
  });

  test('a stop refuses newcomers, ends who waits, and cuts who runs after the grace', async () => {
    const { submit, state, loop, clock } = aRig();
    const running = submit('t1');
    const waiting = submit('t2');
    const stopped = loop.stop(1_000);
    expect(waiting.endings).toEqual([{ kind: 'failed', error: expect.objectContaining({ code: 'SHUTTING_DOWN' }) }]);
    expect(() => submit('t3')).toThrow(expect.objectContaining({ code: 'SHUTTING_DOWN' }));
    await clock.advance(2_000);
    await stopped;
    expect([running.endings.length, state.running.get('t1')?.signal.aborted]).toEqual([1, true]);
  });
});
