// Runs jest over some folders and counts what its result file says, so that a crash of jest can never look like success.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from './command.mjs';
import { root, seconds } from './report.mjs';

/** @typedef {{ name: string, paths: readonly string[], flags: readonly string[], limitMs: number }} Group */

/** So few suites can fail by accident on a busy machine; where more do, nothing is tried again. */
const UNSTEADY_MAX = 3;

/**
 * Runs one group of suites and prints one line about it; failing suites print themselves while it runs. A few that failed
 * are run once more, alone: a test that passes then is named as unsteady, and only one that fails again has failed. [I-26]
 *
 * @param {Group} group folders relative to the repository
 * @param {string} marker is in the environment (TEST_RUN_MARKER) of everything that the tests start
 * @returns {Promise<{ passed: number, failed: number }>} tests; a suite that did not run, or a crash, counts as one failed at least
 */
export async function runSuites(group, marker) {
  const started = performance.now();
  const first = await runJest(group, marker);
  const failing = suitesToRunAgain(first);
  const counted = failing.length === 0 ? countResults(first.results, first.code) : await runAgain(group, first, failing, marker);
  for (const title of titlesOf(first.results, ['pending', 'skipped', 'todo', 'disabled'])) console.error(`FAILED ${group.name}: a test was skipped: ${title}`);
  if (counted.crashed) console.error(`FAILED ${group.name}: jest ended with code ${first.code}; the end of ${first.log}:\n${endOf(first.log)}`);
  console.error(`${counted.failed === 0 ? 'ok    ' : 'FAILED'} ${group.name}: ${counted.suites} suites, ${counted.passed + counted.failed} tests (${seconds(started)})`);
  return counted;
}

async function runAgain(group, first, failing, marker) {
  console.error(`corral: ${failing.length} of the suites in ${group.name} failed; run again, alone`);
  const second = await runJest({ ...group, name: `${group.name}-again`, paths: failing.map((path) => relative(root, path)), flags: ['--runInBand'] }, marker);
  const failed = new Set(titlesOf(second.results, ['failed']));
  if (second.results !== null) for (const title of titlesOf(first.results, ['failed'])) if (!failed.has(title)) console.error(`UNSTEADY ${group.name}: it passed the second time, alone; find out why it failed: ${title}`);
  return countBoth(first, second);
}

/** @returns {Promise<{ results: any, code: number, log: string }>} `results` is `null` where jest left none */
async function runJest({ name, paths, flags, limitMs }, marker) {
  const folder = join(root, '.cache/test');
  const file = join(folder, `${name}.json`);
  const log = join(folder, `${name}.log`);
  mkdirSync(folder, { recursive: true });
  rmSync(file, { force: true });
  const output = openSync(log, 'w');
  const { code } = await run(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(root, 'node_modules/jest/bin/jest.js'),
      ...flags,
      '--ci',
      process.stderr.isTTY ? '--colors' : '--no-colors',
      '--passWithNoTests',
      '--json',
      `--outputFile=${file}`,
      `--reporters=${join(root, 'scripts/failures-reporter.mjs')}`,
      '--testPathPatterns',
      ...paths.map((path) => `^${join(root, path).replaceAll(/[^\w/-]/g, String.raw`\$&`)}`),
    ],
    { cwd: root, limitMs, stdio: ['ignore', output, output, 2], env: { ...process.env, TEST_RUN_MARKER: marker } },
  );
  closeSync(output);
  return { results: existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null, code, log };
}

/**
 * The suites of a run that are worth a second one: those that failed, if they are few and nothing else went wrong.
 *
 * @param {{ results: any, code: number }} run
 * @returns {string[]} absolute paths
 */
export function suitesToRunAgain({ results, code }) {
  if (countResults(results, code).crashed) return [];
  const failing = failingSuites(results).map(({ name }) => name);
  return failing.length > UNSTEADY_MAX ? [] : failing;
}

/**
 * Counts a run and the second run of its failing suites: of those, the second one alone counts.
 *
 * @param {{ results: any, code: number }} first @param {{ results: any, code: number }} second
 */
export function countBoth(first, second) {
  const before = countResults(first.results, first.code);
  const after = countResults(second.results, second.code);
  if (after.crashed) return { ...before, failed: Math.max(before.failed, 1) };
  const replaced = failingSuites(first.results);
  const passed = replaced.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => status === 'passed').length;
  const failed = replaced.reduce((sum, suite) => sum + Math.max(suite.assertionResults.filter(({ status }) => status !== 'passed').length, 1), 0);
  return { ...before, passed: before.passed - passed + after.passed, failed: before.failed - failed + after.failed };
}

const failingSuites = (results) => results.testResults.filter(({ status }) => status === 'failed');

/** A skipped test proves nothing, so that it counts as failed. */
function titlesOf(results, statuses) {
  return (results?.testResults ?? []).flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ status }) => statuses.includes(status)).map(({ fullName }) => `${relative(root, name)}: ${fullName}`),
  );
}

/**
 * Counts tests in jest's JSON result. Without a result, or where jest failed for a reason that the result does not show, it crashed.
 *
 * @param {any} results @param {number} code jest's exit code
 */
export function countResults(results, code) {
  if (results === null) return { passed: 0, failed: 1, suites: 0, crashed: true };
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites + results.numPendingTests + results.numTodoTests;
  const crashed = failed === 0 && (code !== 0 || results.wasInterrupted);
  return { passed: results.numPassedTests, failed: failed + (crashed ? 1 : 0), suites: results.numTotalTestSuites, crashed };
}

function endOf(log) {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-40).join('\n');
}
