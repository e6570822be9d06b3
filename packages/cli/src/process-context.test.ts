import { expect, test } from '@jest/globals';
import { colorsFor } from './process-context.js';

test('colours on a terminal only, and none where NO_COLOR is set', () => {
  const red = (isTerminal: boolean, env: Record<string, string>) => colorsFor({ isTerminal }, env).red('x');
  const painted = '\u001B[31mx\u001B[39m';
  expect([red(true, {}), red(true, { NO_COLOR: '' }), red(true, { NO_COLOR: '1' }), red(true, { TERM: 'dumb' }), red(false, {})]).toEqual([
    painted,
    painted,
    'x',
    'x',
    'x',
  ]);
});
