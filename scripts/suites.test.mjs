import { expect, test } from '@jest/globals';
import { countBoth, countResults, suitesToRunAgain } from './suites.mjs';

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

const suite = (name, ...statuses) => ({ name, status: statuses.every((status) => status === 'passed') && statuses.length > 0 ? 'passed' : 'failed', assertionResults: statuses.map((status) => ({ status })) });
const ranAs = (...testResults) => {
  const of = (wanted) => testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => status === wanted).length;
  const unloaded = testResults.filter(({ assertionResults }) => assertionResults.length === 0).length;
  const failed = of('failed');
  return { results: results({ numPassedTests: of('passed'), numFailedTests: failed, numRuntimeErrorTestSuites: unloaded, numTotalTestSuites: testResults.length, testResults }), code: failed + unloaded > 0 ? 1 : 0 };
};
const steady = suite('steady', 'passed', 'passed', 'passed');
const failing = suite('failing', 'passed', 'failed');

test.each([
  ['nothing where all passed', ranAs(steady), []],
  ['the one that failed', ranAs(steady, failing), ['failing']],
  ['one that did not load', ranAs(steady, suite('unloaded')), ['unloaded']],
  ['nothing where more fail than fail by accident', ranAs(...['a', 'b', 'c', 'd'].map((name) => suite(name, 'failed'))), []],
  ['nothing where jest left no result', { results: null, code: 134 }, []],
  ['nothing where jest was interrupted', { results: results({ wasInterrupted: true, testResults: [steady] }), code: 0 }, []],
])('I-26 run again: %s', (_what, run, again) => {
  expect(suitesToRunAgain(run)).toEqual(again);
});

test.each([
  ['a test that passes alone has passed', ranAs(steady, failing), ranAs(suite('failing', 'passed', 'passed')), { passed: 5, failed: 0, suites: 2, crashed: false }],
  ['one that fails again has failed', ranAs(steady, failing), ranAs(failing), { passed: 4, failed: 1, suites: 2, crashed: false }],
  ['another one of the suite that fails now has failed', ranAs(steady, failing), ranAs(suite('failing', 'failed', 'passed')), { passed: 4, failed: 1, suites: 2, crashed: false }],
  ['a suite that loads now counts its tests', ranAs(steady, suite('unloaded')), ranAs(suite('unloaded', 'passed', 'passed')), { passed: 5, failed: 0, suites: 2, crashed: false }],
  ['a crash of the second run leaves the first', ranAs(steady, failing), { results: null, code: 134 }, { passed: 4, failed: 1, suites: 2, crashed: false }],
])('I-26 %s', (_what, first, second, counted) => {
  expect(countBoth(first, second)).toEqual(counted);
});
