import { expect, test } from '@jest/globals';
import { countResults } from './suites.mjs';

const results = (changes) => ({
  numPassedTests: 5,
  numFailedTests: 0,
  numRuntimeErrorTestSuites: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numTotalTestSuites: 2,
  wasInterrupted: false,
  ...changes,
});

test.each([
  ['all passed', results({}), 0, { passed: 5, failed: 0, suites: 2, crashed: false }],
  ['a failed test', results({ numFailedTests: 2 }), 1, { passed: 5, failed: 2, suites: 2, crashed: false }],
  ['a suite that does not load', results({ numRuntimeErrorTestSuites: 1 }), 1, { passed: 5, failed: 1, suites: 2, crashed: false }],
  ['a skipped test', results({ numPendingTests: 1 }), 0, { passed: 5, failed: 1, suites: 2, crashed: false }],
  ['a promised test', results({ numTodoTests: 1 }), 0, { passed: 5, failed: 1, suites: 2, crashed: false }],
  ['no result file', null, 134, { passed: 0, failed: 1, suites: 0, crashed: true }],
  ['no result file though jest ended well', null, 0, { passed: 0, failed: 1, suites: 0, crashed: true }],
  ['an exit code that no test explains', results({}), 1, { passed: 5, failed: 1, suites: 2, crashed: true }],
  ['an interrupted run', results({ wasInterrupted: true }), 0, { passed: 5, failed: 1, suites: 2, crashed: true }],
])('I-23 %s', (_what, found, code, counted) => {
  expect(countResults(found, code)).toEqual(counted);
});
