// The import arrows between packages, as data, and the check that manifests and project references keep to them.
// The imports themselves are checked by dependency-cruiser, whose rules (.dependency-cruiser.mjs) are made from the same table.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './report.mjs';

/** @typedef {{ imports: readonly string[] | 'anything', lists?: readonly string[] }} Row */

const PROGRAMS = ['orchestratord', 'pool-managerd', 'cli'];

/**
 * Package → the workspace packages that its sources may import. `lists` are dependencies whose programs or built
 * files it finds and never imports.
 * @type {Readonly<Record<string, Row>>}
 */
export const ARROWS = {
  contracts: { imports: [] },
  'orchestrator-core': { imports: [] },
  'catalog-core': { imports: [] },
  'service-kit': { imports: ['contracts'] },
  'event-bus': { imports: ['contracts', 'service-kit'] },
  engine: { imports: ['contracts', 'service-kit'] },
  cli: { imports: ['contracts', 'service-kit'], lists: ['orchestratord', 'pool-managerd'] },
  provisioners: { imports: ['catalog-core', 'service-kit', 'contracts'] },
  orchestratord: { imports: ['contracts', 'orchestrator-core', 'catalog-core', 'event-bus', 'service-kit'], lists: ['dashboard'] },
  // Types alone: the linter refuses more.
  dashboard: { imports: ['contracts'] },
  'pool-managerd': { imports: ['contracts', 'catalog-core', 'provisioners', 'engine', 'event-bus', 'service-kit'] },
  'test-kit': { imports: 'anything', lists: PROGRAMS },
  e2e: { imports: 'anything', lists: PROGRAMS },
  bench: { imports: 'anything', lists: PROGRAMS },
};

/** Packages that compute and do nothing else: they import neither Node nor any other package. */
export const PURE = ['orchestrator-core', 'catalog-core'];

/** Entries beside a package's root, as package and folder: `@corral/catalog-core/fs`. */
export const SECOND_ENTRIES = ['catalog-core/fs', 'test-kit/conformance'];

/** The only places that may import node-llama-cpp. */
export const LLAMA_IMPORTERS = ['engine/src/llamacpp', 'bench', 'test-kit'];

const SCOPE = '@corral/';

/**
 * Compares manifests and project references below `folder` with the table. Returns one line for each problem; none means that they agree.
 *
 * @param {string} [folder] @param {Readonly<Record<string, Row>>} [arrows]
 */
export function arrowProblems(folder = root, arrows = ARROWS) {
  const packages = readdirSync(join(folder, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, 'packages', entry.name, 'package.json')))
    .map((entry) => entry.name)
    .sort();
  const unknown = packages.filter((name) => arrows[name] === undefined).map((name) => `${name}: has no row in scripts/arrows.mjs`);
  const known = packages.filter((name) => arrows[name] !== undefined);
  return [
    ...unknown,
    ...known.flatMap((name) => manifestProblems(folder, name, arrows[name])),
    ...known.flatMap((name) => referenceProblems(folder, name)),
    ...['tsconfig.json', 'packages/tsconfig.tests.json'].flatMap((file) => coverageProblems(folder, file, known)),
  ];
}

function manifestProblems(folder, name, row) {
  const manifest = readJson(join(folder, 'packages', name, 'package.json'));
  const problems = manifest.name === SCOPE + name ? [] : [`${name}: package.json must be named ${SCOPE}${name}`];
  if (row.imports === 'anything') return problems;
  const allowed = [...row.imports, ...(row.lists ?? [])];
  const stepsOutside = workspaceDependencies(manifest).filter((dependency) => !allowed.includes(dependency));
  const others = PURE.includes(name) ? Object.keys(manifest.dependencies ?? {}).filter((dependency) => !dependency.startsWith(SCOPE)) : [];
  return [...problems, ...[...stepsOutside, ...others].map((dependency) => `${name}: package.json must not depend on ${dependency}`)];
}

/** A package's project must reference what its manifest lists, and nothing else: a missing one builds in the wrong order. */
function referenceProblems(folder, name) {
  const referenced = new Set(
    projectsOf(folder, name)
      .flatMap((file) => readJson(file).references ?? [])
      .map(({ path }) => path.split('/').find((part) => part !== '.' && part !== '..'))
      .filter((target) => !target.endsWith('.json')),
  );
  if (referenced.size === 0 && projectsOf(folder, name).length === 0) return [];
  const listed = workspaceDependencies(readJson(join(folder, 'packages', name, 'package.json')));
  const imported = listed.filter((dependency) => !(ARROWS[name]?.lists ?? []).includes(dependency));
  return [
    ...imported.filter((target) => !referenced.has(target)).map((target) => `${name}: tsconfig.json lacks a reference to ../${target}`),
    ...[...referenced].filter((target) => !listed.includes(target)).map((target) => `${name}: tsconfig.json references ../${target}, which package.json does not list`),
  ];
}

/** The solution and the tests' project must name every project, else one is silently left out. */
function coverageProblems(folder, file, packages) {
  if (!existsSync(join(folder, file))) return [`${file} is missing`];
  const paths = (readJson(join(folder, file)).references ?? []).map(({ path }) => path.replace(/^\.\//, '').replace(/^packages\//, ''));
  return packages.flatMap((name) =>
    projectsOf(folder, name)
      .map((project) => project.slice(join(folder, 'packages').length + 1).replace(/\/tsconfig\.json$/, ''))
      .filter((project) => !paths.includes(project))
      .map((project) => `${file} lacks a reference to ${project}`),
  );
}

function projectsOf(folder, name) {
  const at = join(folder, 'packages', name);
  return readdirSync(at).filter((file) => /^tsconfig(\.[a-z]+)?\.json$/.test(file)).sort().map((file) => join(at, file));
}

function workspaceDependencies({ dependencies = {} }) {
  return Object.keys(dependencies).filter((dependency) => dependency.startsWith(SCOPE)).map((dependency) => dependency.slice(SCOPE.length));
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problems = arrowProblems();
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
