// Which requirement has which test?
// A requirement is a line `**A-51 [M]** …` in specs/; a test names it (or several) at the start of its title: test('A-51 A-53 …').
// Usage: node scripts/trace.mjs
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './report.mjs';

/** @typedef {{ id: string, mark: string, file: string, tests: string[] }} Requirement */

const REQUIREMENT = /\*\*([A-Z]-\d+) \[([MSD/]+)\]\*\*/g;
const TITLE = /['"`]((?:[A-Z]-\d+[\s,:]+)+)/g;
const DOC_CITATION = /^\s*(?:\/\*\*|\*|\/\/).*?\[((?:[A-Z]-\d+[\s,]*)+)\]/gm;
const SKIPPED = new Set(['node_modules', 'dist', 'generated']);

/**
 * Reads requirements, the tests that cite them, and everything that is wrong with either.
 *
 * @param {string} [folder] the repository
 * @returns {{ requirements: Requirement[], problems: string[] }} requirements in the order of their ids
 */
export function readTrace(folder = root) {
  /** @type {Map<string, Requirement>} */
  const requirements = new Map();
  const problems = [];
  for (const { file, text } of textsBelow(folder, 'specs', /\.md$/)) {
    for (const [, id, mark] of text.matchAll(REQUIREMENT)) {
      const other = requirements.get(id);
      if (other === undefined) requirements.set(id, { id, mark, file, tests: [] });
      else problems.push(`${file}: ${id} is already defined in ${other.file}; give it an id of its own`);
    }
  }
  for (const { file, text } of [...textsBelow(folder, 'packages', /\.ts$/), ...textsBelow(folder, 'scripts', /\.test\.mjs$/)]) {
    const isTest = /[.]test[.](ts|mjs)$/.test(file) || file.includes('/conformance/');
    for (const id of citedIn(text, isTest ? TITLE : DOC_CITATION)) {
      const requirement = requirements.get(id);
      if (requirement === undefined) problems.push(`${file}: cites ${id}, which no file in specs/ defines`);
      else if (isTest) requirement.tests.push(file);
    }
  }
  const sorted = [...requirements.values()].sort((a, b) => compareIds(a.id, b.id));
  return { requirements: sorted, problems };
}

/** One line for each section: how many requirements it has and how many of them have a test. @param {readonly Requirement[]} requirements */
export function sectionCounts(requirements) {
  const sections = [...new Set(requirements.map(({ id }) => id[0]))];
  return sections.map((section) => {
    const rows = requirements.filter(({ id }) => id[0] === section);
    const untested = rows.filter(isUntestedMust).length;
    return { section, total: rows.length, traced: rows.filter(({ tests }) => tests.length > 0).length, untestedMusts: untested };
  });
}

/** The table of requirements and their tests, as it is kept in specs/generated. @param {readonly Requirement[]} requirements */
export function traceMarkdown(requirements) {
  const counts = sectionCounts(requirements).map(
    ({ section, total, traced, untestedMusts }) => `| ${section} | ${total} | ${traced} | ${untestedMusts} |`,
  );
  const rows = requirements.map(({ id, mark, file, tests }) => `| ${id} | ${mark} | ${file} | ${[...new Set(tests)].sort().join('<br>') || '–'} |`);
  return [
    '# Requirements and their tests',
    '',
    '| section | requirements | with a test | musts without |',
    '|---|---|---|---|',
    ...counts,
    '',
    '| requirement | mark | defined in | tests |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** @param {Requirement} requirement */
function isUntestedMust({ mark, tests }) {
  return mark.includes('M') && tests.length === 0;
}

/** A line for each must that no test names. @param {readonly Requirement[]} requirements */
export function untestedMusts(requirements) {
  return requirements.filter(isUntestedMust).map(({ id, file }) => `${file}: ${id} is a must, and the title of no test begins with it; write one, or name it where it is tested`);
}

function citedIn(text, pattern) {
  return new Set([...text.matchAll(pattern)].flatMap(([, ids]) => ids.match(/[A-Z]-\d+/g) ?? []));
}

function* textsBelow(folder, path, pattern) {
  if (!existsSync(join(folder, path))) return;
  for (const entry of readdirSync(join(folder, path), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const at = join(folder, path, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) yield* textsBelow(folder, join(path, entry.name), pattern);
    } else if (pattern.test(entry.name)) yield { file: relative(folder, at), text: readFileSync(at, 'utf8') };
  }
}

function compareIds(a, b) {
  return a[0] === b[0] ? Number(a.slice(2)) - Number(b.slice(2)) : a < b ? -1 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { requirements, problems } = readTrace();
  for (const { section, total, traced, untestedMusts } of sectionCounts(requirements)) {
    console.log(`${section}: ${total} requirements, ${traced} with a test, ${untestedMusts} musts without`);
  }
  const untested = untestedMusts(requirements);
  for (const problem of [...problems, ...untested]) console.error(problem);
  console.log(`${requirements.length} requirements, ${requirements.filter(({ tests }) => tests.length > 0).length} with a test, ${untested.length} musts without`);
  process.exitCode = problems.length + untested.length > 0 ? 1 : 0;
}
