import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { arrowProblems } from './arrows.mjs';
import { run } from './command.mjs';
import { withFolder } from './fixture.mjs';
import { root } from './report.mjs';

const manifest = (name, dependencies = []) => ({
  name: `@corral/${name}`,
  type: 'module',
  exports: { '.': './dist/index.js' },
  dependencies: Object.fromEntries(dependencies.map((dependency) => [dependency, 'workspace:*'])),
});

const project = (...references) => ({ references: references.map((path) => ({ path })) });

const sound = {
  'packages/contracts/package.json': manifest('contracts'),
  'packages/contracts/tsconfig.json': project(),
  'packages/engine/package.json': manifest('engine', ['@corral/contracts', 'undici']),
  'packages/engine/tsconfig.json': project('../contracts'),
  'tsconfig.json': project('packages/contracts', 'packages/engine'),
  'packages/tsconfig.tests.json': project('./contracts', './engine'),
};

test('I-20 a tree whose manifests and references keep to the table has no problem', async () => {
  expect(await withFolder(sound, (folder) => arrowProblems(folder))).toEqual([]);
});

test.each([
  [{ 'packages/stranger/package.json': manifest('stranger') }, 'stranger: has no row in scripts/arrows.mjs'],
  [{ 'packages/contracts/package.json': manifest('wire') }, 'contracts: package.json must be named @corral/contracts'],
  [{ 'packages/contracts/package.json': manifest('contracts', ['@corral/engine']), 'packages/contracts/tsconfig.json': project('../engine') }, 'contracts: package.json must not depend on engine'],
  [{ 'packages/engine/tsconfig.json': project() }, 'engine: tsconfig.json lacks a reference to ../contracts'],
  [{ 'packages/engine/tsconfig.json': project('../contracts', '../service-kit') }, 'engine: tsconfig.json references ../service-kit, which package.json does not list'],
  [{ 'tsconfig.json': project('packages/engine') }, 'tsconfig.json lacks a reference to contracts'],
  [{ 'packages/tsconfig.tests.json': project('./contracts') }, 'packages/tsconfig.tests.json lacks a reference to engine'],
])('I-20 a step outside the table is named (%#)', async (change, problem) => {
  expect(await withFolder({ ...sound, ...change }, (folder) => arrowProblems(folder))).toEqual([problem]);
});

test('I-20 a core may not depend on any package', async () => {
  const files = {
    'packages/orchestrator-core/package.json': manifest('orchestrator-core', ['lodash']),
    'packages/orchestrator-core/tsconfig.json': project(),
    'tsconfig.json': project('packages/orchestrator-core'),
    'packages/tsconfig.tests.json': project('./orchestrator-core'),
  };
  expect(await withFolder(files, (folder) => arrowProblems(folder))).toEqual(['orchestrator-core: package.json must not depend on lodash']);
});

const built = (name) => ({ [`packages/${name}/package.json`]: manifest(name), [`packages/${name}/dist/index.js`]: 'export const x = 1;' });

/** What dependency-cruiser says about a tree: `rule file → target`, sorted. */
async function violations(files) {
  return withFolder(files, async (folder) => {
    mkdirSync(join(folder, 'node_modules/@corral'), { recursive: true });
    for (const name of ['contracts', 'engine', 'test-kit', 'cli']) symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules/@corral', name));
    const args = ['--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', 'packages'];
    const { output } = await run(join(root, 'node_modules/.bin/depcruise'), args, { cwd: folder });
    return JSON.parse(output).summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort();
  });
}

const packages = { ...built('contracts'), ...built('engine'), ...built('test-kit'), ...built('cli'), ...built('orchestratord') };

test('I-20 imports along the arrows pass, and tests may use test-kit', async () => {
  const files = {
    ...packages,
    'packages/orchestratord/src/a.ts': "import { x } from '@corral/contracts'; import { b } from './b.js'; export const a = x + b;",
    'packages/orchestratord/src/b.ts': 'export const b = 1;',
    'packages/orchestratord/src/a.test.ts': "import { a } from './a.js'; import { x } from '@corral/test-kit'; console.assert(a === x);",
  };
  expect(await violations(files)).toEqual([]);
});

test('I-20 A-04 imports outside the arrows are named by their rule', async () => {
  const files = {
    ...packages,
    'packages/orchestratord/src/a.ts': "import type { X } from '@corral/engine'; import '@corral/contracts/dist/deep.js'; import './b.js'; export type Y = X;",
    'packages/orchestratord/src/b.ts': "import './a.js'; import '../../contracts/src/inside.js'; import '@corral/test-kit';",
    'packages/orchestratord/src/a.test.ts': "import '@corral/cli';",
    'packages/contracts/src/inside.ts': 'export const inside = 1;',
    'packages/orchestrator-core/package.json': manifest('orchestrator-core'),
    'packages/orchestrator-core/src/clock.ts': "import { hrtime } from 'node:process'; export const now = hrtime;",
  };
  expect(await violations(files)).toEqual([
    'arrow-orchestratord-tests: packages/orchestratord/src/a.test.ts → packages/cli/dist/index.js',
    'arrow-orchestratord: packages/orchestratord/src/a.ts → packages/engine/dist/index.js',
    'arrow-orchestratord: packages/orchestratord/src/b.ts → packages/test-kit/dist/index.js',
    'entries-only: packages/orchestratord/src/b.ts → packages/contracts/src/inside.ts',
    'no-cycles: packages/orchestratord/src/a.ts → packages/orchestratord/src/b.ts',
    'pure-orchestrator-core: packages/orchestrator-core/src/clock.ts → process',
    'resolvable: packages/orchestratord/src/a.ts → @corral/contracts/dist/deep.js',
    'tests-stay-outside: packages/orchestratord/src/b.ts → packages/test-kit/dist/index.js',
  ]);
});
