// The whole gate: needs, dependencies, build, checks, suites. Its last line is `N passed, N failed`; it ends with 0 only where nothing failed.
// Usage: scripts/test [PACKAGE…]   (with packages: their suites alone, without the checks)
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runChecks } from './check.mjs';
import { endWithSignals } from './command.mjs';
import { leftovers } from './leftovers.mjs';
import { ensureNeeds } from './needs.mjs';
import { root, seconds } from './report.mjs';
import { setup } from './setup.mjs';
import { runSuites } from './suites.mjs';

const MINUTE_MS = 60_000;

/** Suites that start whole systems, which share the cores with them: after the rest. */
const SYSTEMS = 'e2e';

/** In the environment of everything that the tests of this run start. */
const marker = `corral-test-${randomUUID()}`;

const packages = readdirSync(join(root, 'packages')).filter((name) => existsSync(join(root, 'packages', name, 'package.json')));

async function main(wanted) {
  const unknown = wanted.filter((name) => !packages.includes(name));
  if (unknown.length > 0) {
    console.error(`corral: there is no package ${unknown.join(', ')}; packages are ${packages.join(', ')}`);
    process.exitCode = 2;
    return;
  }
  endWithSignals(() => leftovers(marker, 0));
  const started = performance.now();
  const total = { passed: 0, failed: 0 };
  const add = ({ passed, failed }) => {
    total.passed += passed;
    total.failed += failed;
  };
  try {
    await ensureNeeds();
    await setup();
    if (wanted.length === 0) add({ passed: 0, failed: await runChecks() });
    for (const group of groupsOf(wanted)) add(await runGroup(group));
    if (total.passed === 0 && total.failed === 0) throw new Error('no test ran; name a package that has tests, or write one');
  } catch (error) {
    console.error(`corral: ${error.message}`);
    total.failed += 1;
  }
  console.error(`corral: tested in ${seconds(started)}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 ? 1 : 0;
}

function groupsOf(wanted) {
  const named = wanted.length === 0 ? packages : wanted;
  const together = named.filter((name) => name !== SYSTEMS).map((name) => `packages/${name}/`);
  const gates = wanted.length === 0 ? ['scripts/'] : [];
  return [
    { name: 'suites', paths: [...gates, ...together], flags: ['--maxWorkers=2'], limitMs: 25 * MINUTE_MS },
    { name: SYSTEMS, paths: named.includes(SYSTEMS) ? [`packages/${SYSTEMS}/`] : [], flags: ['--maxWorkers=2'], limitMs: 50 * MINUTE_MS },
  ].filter(({ paths }) => paths.length > 0);
}

/** Runs one group of suites. A process that outlives its tests is ended and counts as a failure: something was not cleaned up. */
async function runGroup(group) {
  const result = await runSuites(group, marker);
  const left = await leftovers(marker);
  for (const line of left) console.error(`FAILED ${group.name}: a process outlived the tests: ${line}`);
  return { passed: result.passed, failed: result.failed + (left.length > 0 ? 1 : 0) };
}

await main(process.argv.slice(2));
