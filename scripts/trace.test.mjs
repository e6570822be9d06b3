import { expect, test } from '@jest/globals';
import { withFolder } from './fixture.mjs';
import { readTrace, sectionCounts, traceMarkdown, untestedMusts } from './trace.mjs';

// Ids are put together here, so that this file cites none but its own.
const id = (section, number) => `${section}-${number}`;
const line = (section, number, mark) => `* **${id(section, number)} [${mark}]** A sentence.`;

const files = {
  'specs/core/placement.md': [line('A', 9, 'S'), line('A', 51, 'M')].join('\n'),
  'specs/wire/errors.md': line('B', 3, 'M/S'),
  'packages/core/src/decide.ts': `/** Chooses. [${id('A', 9)} ${id('A', 51)}] */\nexport const decide = 1;`,
  'packages/core/src/decide.test.ts': `test('${id('A', 51)} ${id('A', 9)} most memory wins', () => {});\ntest.each([1])("${id('A', 9)}: again", () => {});`,
};

test('I-21 every requirement knows the tests whose titles begin with its id', async () => {
  const { requirements, problems } = await withFolder(files, readTrace);
  expect(problems).toEqual([]);
  expect(requirements).toEqual([
    { id: id('A', 9), mark: 'S', file: 'specs/core/placement.md', tests: ['packages/core/src/decide.test.ts'] },
    { id: id('A', 51), mark: 'M', file: 'specs/core/placement.md', tests: ['packages/core/src/decide.test.ts'] },
    { id: id('B', 3), mark: 'M/S', file: 'specs/wire/errors.md', tests: [] },
  ]);
  expect(sectionCounts(requirements)).toEqual([
    { section: 'A', total: 2, traced: 2, untestedMusts: 0 },
    { section: 'B', total: 1, traced: 0, untestedMusts: 1 },
  ]);
  expect(untestedMusts(requirements)).toEqual([`specs/wire/errors.md: ${id('B', 3)} is a must, and the title of no test begins with it; write one, or name it where it is tested`]);
  expect(traceMarkdown(requirements)).toContain(`| ${id('B', 3)} | M/S | specs/wire/errors.md | – |`);
});

test.each([
  ['a test', { 'packages/core/src/other.test.ts': `describe("${id('T', 77)} x", () => {});` }, `packages/core/src/other.test.ts: cites ${id('T', 77)}, which no file in specs/ defines`],
  ['a doc comment', { 'packages/core/src/other.ts': `/**\n * Says why. [${id('A', 51)} ${id('C', 8)}]\n */` }, `packages/core/src/other.ts: cites ${id('C', 8)}, which no file in specs/ defines`],
  ['a second definition', { 'specs/z.md': line('A', 9, 'D') }, `specs/z.md: ${id('A', 9)} is already defined in specs/core/placement.md; give it an id of its own`],
])('I-21 %s with an id that is not sound is named', async (_what, more, problem) => {
  expect((await withFolder({ ...files, ...more }, readTrace)).problems).toEqual([problem]);
});
