import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkLimits, type LimitedTask, type TaskLimits } from './check-limits.js';

const LIMITS: TaskLimits = { ctxMax: 2048, maxTokensOut: 512, earliestStartMs: null };

test.each<[title: string, task: LimitedTask, limits: Partial<TaskLimits>]>([
  ['nothing asked', {}, {}],
  ['everything at its limit', { ctx: 2048, maxTokens: 512, deadlineMs: 1 }, {}],
  ['no limit of the operator', { maxTokens: 2048 }, { maxTokensOut: null }],
  ['a deadline after the earliest start', { deadlineMs: 501 }, { earliestStartMs: 500 }],
])('A-77 %s passes', (_, task, limits) => {
  expect(checkLimits(task, { ...LIMITS, ...limits })).toBeNull();
});

test.each<[task: LimitedTask, limits: Partial<TaskLimits>, field: string, limit: number, message: string]>([
  [{ ctx: 2049 }, {}, 'ctx', 2048, 'the context, 2049, is above the limit of 2048; ask for 1 to 2048'],
  [{ ctx: -1 }, {}, 'ctx', 2048, 'the context, -1, is not a whole number above 0; ask for 1 to 2048'],
  [{ ctx: 0 }, {}, 'ctx', 2048, 'the context, 0, is not a whole number above 0; ask for 1 to 2048'],
  [{ ctx: 1.5 }, {}, 'ctx', 2048, 'the context, 1.5, is not a whole number above 0; ask for 1 to 2048'],
  [{ maxTokens: 513 }, {}, 'maxTokens', 512, 'the number of tokens to generate, 513, is above the limit of 512; ask for 1 to 512'],
  [
    { maxTokens: 2049 },
    { maxTokensOut: null },
    'maxTokens',
    2048,
    'the number of tokens to generate, 2049, is above the limit of 2048; ask for 1 to 2048',
  ],
  [
    { maxTokens: 2049 },
    { maxTokensOut: 9000 },
    'maxTokens',
    2048,
    'the number of tokens to generate, 2049, is above the limit of 2048; ask for 1 to 2048',
  ],
  [{ maxTokens: 0 }, {}, 'maxTokens', 512, 'the number of tokens to generate, 0, is not a whole number above 0; ask for 1 to 512'],
  [{ deadlineMs: 0 }, {}, 'deadlineMs', 1, 'a deadline of 0 ms has passed already; allow at least 1 ms'],
  [{ deadlineMs: -5 }, {}, 'deadlineMs', 1, 'a deadline of -5 ms has passed already; allow at least 1 ms'],
  [
    { deadlineMs: 500 },
    { earliestStartMs: 500 },
    'deadlineMs',
    501,
    'the task cannot start before its deadline: 500 ms allowed, 500 ms until the earliest start; allow at least 501 ms or try again later',
  ],
])('A-77 B-53 %j with %j is refused', (task, limits, field, limit, message) => {
  expect(checkLimits(task, { ...LIMITS, ...limits })).toEqual({
    kind: field === 'deadlineMs' ? 'deadline_unmet' : 'invalid_params',
    field,
    given: Object.values(task)[0],
    limit,
    message,
  });
});

test('A-77 A-83 what passes is within every limit: nothing is left to trim', () => {
  const anyNumber = fc.option(fc.integer({ min: -2, max: 12 }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.record({ ctx: anyNumber, maxTokens: anyNumber, deadlineMs: anyNumber }),
      fc.record({
        ctxMax: fc.integer({ min: 1, max: 10 }),
        maxTokensOut: fc.option(fc.integer({ min: 1, max: 10 })),
        earliestStartMs: fc.option(fc.nat(10)),
      }),
      (task, limits) => {
        const { ctx = 1, maxTokens = 1, deadlineMs = Infinity } = task;
        const fits =
          ctx >= 1 &&
          ctx <= limits.ctxMax &&
          maxTokens >= 1 &&
          maxTokens <= limits.ctxMax &&
          maxTokens <= (limits.maxTokensOut ?? Infinity) &&
          deadlineMs > (limits.earliestStartMs ?? 0);
        expect(checkLimits(task, limits) === null).toBe(fits);
      },
    ),
  );
});
