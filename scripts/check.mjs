// Every check that is no test: one line each, with its time, and its output where it fails.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { arrowProblems } from './arrows.mjs';
import { build } from './build.mjs';
import { endWithSignals, run } from './command.mjs';
import { docProblems } from './gen-docs.mjs';
import { nameProblems } from './names.mjs';
import { root, seconds } from './report.mjs';
import { readTrace, untestedMusts } from './trace.mjs';

/** @typedef {{ name: string, check: () => Promise<readonly string[]> | readonly string[] }} Check */

/** Checks of one kind each; a check returns one text for each problem. @type {readonly Check[]} */
export const CHECKS = [
  { name: 'lint', check: () => program('oxlint', ['--type-aware', '--deny-warnings', '--format=unix', 'packages', 'scripts', 'jest.config.mjs', '.dependency-cruiser.mjs']) },
  { name: 'types of tests', check: () => program('tsc', ['-p', 'packages/tsconfig.tests.json']) },
  { name: 'import arrows', check: () => program('depcruise', ['--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', 'packages']) },
  { name: 'unused code', check: () => program('knip', ['--no-progress', '--no-config-hints']) },
  { name: 'package arrows', check: () => arrowProblems() },
  { name: 'names', check: () => nameProblems() },
  { name: 'trace', check: traceProblems },
  { name: 'generated docs', check: () => docProblems() },
];

const AT_ONCE = 2;

/** Runs every check on the built tree, two at once. Returns how many failed. @param {readonly Check[]} [checks] */
export async function runChecks(checks = CHECKS) {
  const waiting = [...checks];
  let failed = 0;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (!(await runCheck(next))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failed;
}

async function runCheck({ name, check }) {
  const started = performance.now();
  const problems = await Promise.resolve()
    .then(check)
    .catch((error) => [String(error.stack ?? error)]);
  console.error(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds(started)})`);
  for (const problem of problems) console.error(problem.trimEnd().replaceAll(/^/gm, '       '));
  return problems.length === 0;
}

function traceProblems() {
  const { requirements, problems } = readTrace();
  return [...problems, ...untestedMusts(requirements)];
}

async function program(name, args) {
  const { code, output } = await run(join(root, 'node_modules/.bin', name), args, { cwd: root, limitMs: 5 * 60_000 });
  return code === 0 ? [] : [output.trim() === '' ? `${name} ended with code ${code} and said nothing` : output];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  endWithSignals();
  const failed = await build()
    .then(() => runChecks())
    .catch((error) => {
      console.error(`corral: ${error.message}`);
      return 1;
    });
  process.exitCode = failed > 0 ? 1 : 0;
}
