import { describe, expect, test } from '@jest/globals';
import type { ErrorCode } from '@corral/contracts';
import { aPool } from '../../test/wire.js';
import { CliFailure } from '../cli-failure.js';
import { ServerRefusal } from '../client/server-refusal.js';
import { ASK_LIMITS, judgeAsk, type AskState } from './judge-ask.js';

const state = (changes: Partial<AskState> = {}): AskState => ({ hasText: false, tries: 1, stillMs: 0, askedMs: 0, pools: [], ...changes });
const refusal = (code: ErrorCode, retriable = true, retryAfterMs?: number) =>
  new ServerRefusal({ code, message: 'no', retriable, ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }) }, 'c');
const GIVE_UP = { kind: 'give_up' };
const again = (waitMs: number) => ({ kind: 'again', waitMs });

describe('whether to ask again', () => {
  test('a load that goes on is waited for, until it stands still', () => {
    expect(judgeAsk(refusal('LOAD_TIMEOUT'), state({ askedMs: 3_600_000, tries: 99 }))).toEqual(again(250));
    expect(judgeAsk(refusal('LOAD_TIMEOUT'), state({ stillMs: ASK_LIMITS.stillMs }))).toEqual(GIVE_UP);
  });

  test('a node that starts is waited for, for a while', () => {
    const starting = { pools: [aPool({ ready: false })] };
    expect(judgeAsk(refusal('NODE_UNAVAILABLE'), state())).toEqual(again(500));
    expect(judgeAsk(refusal('POOL_UNREADY'), state({ ...starting, askedMs: ASK_LIMITS.startMs - 1 }))).toEqual(again(500));
    expect(judgeAsk(refusal('POOL_UNREADY'), state({ ...starting, askedMs: ASK_LIMITS.startMs }))).toEqual(GIVE_UP);
  });

  test('J-06 a node without a device is not waited for; one in trouble shortly', () => {
    const none = aPool({ ready: false, device: 'none', last_error: 'no GPU; start with --allow-cpu' });
    const trouble = aPool({ ready: false, last_error: 'the engine worker does not start' });
    expect(judgeAsk(refusal('POOL_UNREADY'), state({ pools: [none] }))).toEqual({
      kind: 'give_up',
      next: 'start again with --allow-cpu to serve from the CPU',
    });
    expect(judgeAsk(refusal('POOL_UNREADY'), state({ pools: [none, trouble], askedMs: ASK_LIMITS.troubleMs - 1 }))).toEqual(again(500));
    expect(judgeAsk(refusal('POOL_UNREADY'), state({ pools: [none, trouble], askedMs: ASK_LIMITS.troubleMs }))).toEqual(GIVE_UP);
  });

  test('what may pass is tried a few times, after the wait that the server names', () => {
    expect(judgeAsk(refusal('WORKER_RESET', true, 3_000), state({ tries: ASK_LIMITS.tries - 1 }))).toEqual(again(3_000));
    expect(judgeAsk(refusal('WORKER_RESET'), state({ tries: ASK_LIMITS.tries }))).toEqual(GIVE_UP);
  });

  test.each([
    ['MODEL_NOT_AVAILABLE', true],
    ['POOL_UNAVAILABLE', true],
    ['INVALID_PARAMS', false],
    ['BAD_TOKEN', false],
  ] as const)('%s does not heal', (code, retriable) => {
    expect(judgeAsk(refusal(code, retriable), state())).toEqual(GIVE_UP);
  });

  test('nothing is asked again once part of the answer was shown', () => {
    expect(judgeAsk(refusal('LOAD_TIMEOUT'), state({ hasText: true }))).toEqual(GIVE_UP);
  });

  test('a server that went away may come back; a defect does not', () => {
    const gone = new CliFailure('cannot reach', { exitCode: 3 });
    expect(judgeAsk(gone, state())).toEqual(again(500));
    expect(judgeAsk(gone, state({ stillMs: ASK_LIMITS.unreachableMs }))).toEqual(GIVE_UP);
    expect(judgeAsk(new TypeError('x'), state())).toEqual(GIVE_UP);
  });
});
