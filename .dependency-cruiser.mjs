// The import arrows as dependency-cruiser rules, made from the table in scripts/arrows.mjs.
import { ARROWS, LLAMA_IMPORTERS, PURE, SECOND_ENTRIES } from './scripts/arrows.mjs';

const TEST = '([.]test[.]ts$|^packages/[^/]+/test/)';

const arrows = Object.entries(ARROWS)
  .filter(([, { imports }]) => imports !== 'anything')
  .map(([name, { imports }]) => ({
    name: `arrow-${name}`,
    severity: 'error',
    comment: `${name} may import ${imports.join(', ') || 'no workspace package'} (scripts/arrows.mjs).`,
    from: { path: `^packages/${name}/`, pathNot: TEST },
    to: { path: `^packages/(?!(${[name].concat(imports).join('|')})/)` },
  }));

const arrowsOfTests = Object.entries(ARROWS)
  .filter(([, { imports }]) => imports !== 'anything')
  .map(([name, { imports }]) => ({
    name: `arrow-${name}-tests`,
    severity: 'error',
    comment: `Tests of ${name} may import what ${name} may, and test-kit.`,
    from: { path: `^packages/${name}/(test/|.*[.]test[.]ts$)` },
    to: { path: `^packages/(?!(${[name, 'test-kit'].concat(imports).join('|')})/)` },
  }));

const pure = PURE.map((name) => ({
  name: `pure-${name}`,
  severity: 'error',
  comment: `${name} computes and does nothing else: no Node module, no package.`,
  from: { path: `^packages/${name}/src/`, pathNot: ['[.]test[.]ts$', ...SECOND_ENTRIES.filter((entry) => entry.startsWith(`${name}/`)).map((entry) => `^packages/${entry.replace('/', '/src/')}/`)] },
  to: { pathNot: `^packages/${name}/src/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...arrows,
    ...arrowsOfTests,
    ...pure,
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that import each other cannot be read, tested or loaded one by one.',
      from: { path: '^packages/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that cannot be resolved is undeclared, misspelled, or reaches behind an entry of a package.',
      from: { path: '^packages/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      severity: 'error',
      comment: "A source imports what its own package.json lists under dependencies; the repository's tools are not there at run time.",
      from: { path: '^packages/(?!(test-kit|e2e|bench)/)', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'entries-only',
      severity: 'error',
      comment: `Another package is imported by its name (or ${SECOND_ENTRIES.map((entry) => `@corral/${entry}`).join(', ')}), never by a file inside it.`,
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/(?!$1/)',
        pathNot: ['^packages/[^/]+/dist/index[.](js|d[.]ts)$', ...SECOND_ENTRIES.map((entry) => `^packages/${entry.replace('/', '/dist/')}/index[.](js|d[.]ts)$`)],
      },
    },
    {
      name: 'pure-not-through-fs',
      severity: 'error',
      comment: 'The pure half of catalog-core does not know its files.',
      from: { path: '^packages/catalog-core/src/', pathNot: ['^packages/catalog-core/src/fs/', '[.]test[.]ts$'] },
      to: { path: '^packages/catalog-core/src/fs/' },
    },
    {
      name: 'llama-in-its-folder',
      severity: 'error',
      comment: `Only ${LLAMA_IMPORTERS.join(', ')} may import node-llama-cpp.`,
      from: { path: '^packages/', pathNot: LLAMA_IMPORTERS.map((folder) => `^packages/${folder}/`) },
      to: { path: 'node_modules/(@node-llama-cpp|node-llama-cpp)/' },
    },
    {
      name: 'tests-stay-outside',
      severity: 'error',
      comment: 'No source imports a test, test-kit, e2e or bench.',
      from: { path: '^packages/(?!(test-kit|e2e|bench)/)', pathNot: TEST },
      to: { path: '^packages/(test-kit|e2e|bench)/|[.]test[.]ts$' },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '/dist/'] },
    // The parser knows no JSX; what components may import is linted (.oxlintrc.json).
    exclude: { path: ['^packages/.*[.]mjs$', '[.]tsx$'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], mainFields: ['module', 'main', 'types'] },
  },
};
