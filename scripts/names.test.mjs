import { expect, test } from '@jest/globals';
import { withFolder } from './fixture.mjs';
import { nameProblems } from './names.mjs';

test('I-25 names that say nothing and files about status are refused', async () => {
  const files = {
    'packages/x/src/decide.ts': '',
    'packages/x/src/mistypes.ts': '',
    'packages/x/src/task-utils.ts': '',
    'packages/x/src/types.ts': '',
    'packages/x/src/common/clock.ts': '',
    'packages/x/node_modules/y/utils.ts': '',
    'TODO.md': '',
    'README.md': '',
  };
  expect(await withFolder(files, nameProblems)).toEqual([
    'TODO.md: status belongs in commits, truth in specs and tests',
    'packages/x/src/common/: name the folder after what it holds',
    'packages/x/src/task-utils.ts: name the file after what it exports',
    'packages/x/src/types.ts: name the file after what it exports',
  ]);
});
