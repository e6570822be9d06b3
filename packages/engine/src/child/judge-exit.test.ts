import { describe, expect, test } from '@jest/globals';
import { describeExit, exitReason, judgeExit } from './judge-exit.js';

const lastWords = ['loading', 'GGML_ASSERT(x) failed', 'bye'];

describe('judgeExit', () => {
  test('C-122 code 0 and an exit that was asked for are stops, however they went', () => {
    expect(judgeExit({ code: 0, signal: null, lastWords }, false)).toEqual({ kind: 'stopped' });
    expect(judgeExit({ code: null, signal: 'SIGKILL', lastWords }, true)).toEqual({ kind: 'stopped' });
  });

  test('C-122 all else is a crash with the line that says why', () => {
    expect(judgeExit({ code: null, signal: 'SIGABRT', lastWords }, false)).toEqual({
      kind: 'crashed',
      reason: 'abort',
      error: 'the engine process ended by an abort of its native code (SIGABRT); it said: GGML_ASSERT(x) failed',
      code: null,
      signal: 'SIGABRT',
      lastWords,
    });
  });

  test.each([
    [{ code: 1, signal: null, lastWords: [] }, 'the engine process ended with exit code 1 and said nothing'],
    [{ code: null, signal: 'SIGKILL', lastWords: ['x'] }, 'the engine process ended by SIGKILL, which is how the kernel ends a process when memory runs out; it said: x'],
    [{ code: null, signal: 'SIGKILL', lastWords: ['x'], wasOomKilled: false }, 'the engine process ended because somebody killed it (SIGKILL); it said: x'],
    [{ code: null, signal: 'SIGKILL', lastWords: ['x'], wasOomKilled: true }, 'the engine process ended because the kernel ran out of memory and killed it (OOM); it said: x'],
    [{ code: null, signal: 'SIGSEGV', lastWords: ['x'] }, 'the engine process ended by a fault of its native code (SIGSEGV); it said: x'],
    [{ code: null, signal: 'SIGTERM', lastWords: ['x'] }, 'the engine process ended by SIGTERM; it said: x'],
    [{ code: null, signal: null, lastWords: [], startError: 'spawn ENOENT' }, 'the engine process could not be started: spawn ENOENT'],
  ])('C-122 one sentence says how it ended: %j', (raw, sentence) => {
    expect(describeExit(raw)).toBe(sentence);
  });

  test.each([
    [{ code: 3, signal: null }, 'exit'],
    [{ code: 134, signal: null }, 'abort'],
    [{ code: null, signal: 'SIGABRT' }, 'abort'],
    [{ code: null, signal: 'SIGBUS' }, 'segfault'],
    [{ code: null, signal: 'SIGKILL' }, 'sigkill'],
    [{ code: null, signal: 'SIGKILL', wasOomKilled: null }, 'sigkill'],
    [{ code: null, signal: 'SIGKILL', wasOomKilled: true }, 'oom'],
    [{ code: null, signal: 'SIGTERM' }, 'sigterm'],
    [{ code: null, signal: 'SIGHUP' }, 'signal'],
    [{ code: null, signal: 'SIGABRT', lastWords: ['CUDA error: an illegal memory access was encountered', 'bye'] }, 'device'],
    [{ code: null, signal: 'SIGABRT', lastWords: ['vk::Queue::submit: ErrorDeviceLost'] }, 'device'],
  ] as const)('C-172 ends are told apart: %j is %s', (raw, reason) => {
    expect(exitReason({ lastWords: [], ...raw })).toBe(reason);
  });
});
