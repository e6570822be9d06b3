import { expect, test } from '@jest/globals';
import { stateDirOf } from './state-dir.js';

const from = (env: Record<string, string>, flag?: string) => stateDirOf({ env, homeDir: '/home/u', workDir: '/here' }, flag);

test('flag, else CORRAL_STATE_DIR, else XDG_STATE_HOME, else the home folder', () => {
  expect([
    from({ CORRAL_STATE_DIR: '/s', XDG_STATE_HOME: '/x' }, 'rel'),
    from({ CORRAL_STATE_DIR: '/s', XDG_STATE_HOME: '/x' }),
    from({ CORRAL_STATE_DIR: '', XDG_STATE_HOME: '/x' }),
    from({}),
  ]).toEqual(['/here/rel', '/s', '/x/corral', '/home/u/.local/state/corral']);
});
