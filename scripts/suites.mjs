// Runs jest over some folders and counts what its result file says, so that a crash of jest can never look like success.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';
import { root, seconds } from './report.mjs';

/** @typedef {{ name: string, paths: readonly string[], flags: readonly string[], limitMs: number }} Group */

/**
 * Runs one group of suites and prints one line about it; failing suites print themselves while it runs.
 *
 * @param {Group} group folders relative to the repository
 * @param {string} marker is in the environment (TEST_RUN_MARKER) of everything that the tests start
 * @returns {Promise<{ passed: number, failed: number }>} tests; a suite that did not run, or a crash, counts as one failed at least
 */
export async function runSuites({ name, paths, flags, limitMs }, marker) {
  const started = performance.now();
  const folder = join(root, '.cache/test');
  const results = join(folder, `${name}.json`);
  const log = join(folder, `${name}.log`);
  mkdirSync(folder, { recursive: true });
  rmSync(results, { force: true });
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
      `--outputFile=${results}`,
      `--reporters=${join(root, 'scripts/failures-reporter.mjs')}`,
      '--testPathPatterns',
      ...paths.map((path) => `^${join(root, path).replaceAll(/[^\w/-]/g, String.raw`\$&`)}`),
    ],
    { cwd: root, limitMs, stdio: ['ignore', output, output, 2], env: { ...process.env, TEST_RUN_MARKER: marker } },
  );
  closeSync(output);
  const found = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : null;
  const counted = countResults(found, code);
  for (const title of skippedTitles(found)) console.error(`FAILED ${name}: a test was skipped: ${title}`);
  if (counted.crashed) console.error(`FAILED ${name}: jest ended with code ${code}; the end of ${log}:\n${endOf(log)}`);
  console.error(`${counted.failed === 0 ? 'ok    ' : 'FAILED'} ${name}: ${counted.suites} suites, ${counted.passed + counted.failed} tests (${seconds(started)})`);
  return counted;
}

/** A skipped test proves nothing, so that it counts as failed. */
function skippedTitles(results) {
  const tests = (results?.testResults ?? []).flatMap(({ assertionResults }) => assertionResults);
  return tests.filter(({ status }) => ['pending', 'skipped', 'todo', 'disabled'].includes(status)).map(({ fullName }) => fullName);
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
