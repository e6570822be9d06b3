import { expect, test } from '@jest/globals';
import { parseDaemonArgs, type DaemonProgram } from './daemon-args.js';

const program: DaemonProgram = {
  name: 'stored',
  version: '1.2.3',
  summary: 'stores things',
  flags: {
    '--manifest': { pointer: '/manifest', value: 'FILE', help: 'what to store' },
    '--watch': { pointer: '/watch', help: 'follow it' },
  },
};
const parse = (...argv: string[]) => parseDaemonArgs(argv, program);

test('P-04 flags become settings, in both spellings, and a switch can be turned off', () => {
  expect(parse('--manifest', 'a.yaml', '--watch', '--config=c.yaml')).toEqual({
    kind: 'run',
    configPath: 'c.yaml',
    checkOnly: false,
    flags: [
      { flag: '--manifest', pointer: '/manifest', text: 'a.yaml' },
      { flag: '--watch', pointer: '/watch', text: 'true' },
    ],
  });
  expect(parse('--no-watch', '--check')).toEqual({
    kind: 'run',
    configPath: undefined,
    checkOnly: true,
    flags: [{ flag: '--watch', pointer: '/watch', text: 'false' }],
  });
  expect(parse()).toEqual({ kind: 'run', configPath: undefined, checkOnly: false, flags: [] });
});

test('P-04 help and version are texts', () => {
  expect(parse('--version')).toEqual({ kind: 'version', text: '1.2.3' });
  expect(parse('--help')).toEqual({
    kind: 'help',
    text: [
      'stored 1.2.3: stores things',
      '',
      'usage: stored [options]',
      '',
      '  --manifest FILE  what to store',
      '  --watch          follow it',
      '  --config FILE    settings as YAML or JSON; flags and environment win over it',
      '  --check          validate the configuration, then exit',
      '  --version        print the version, then exit',
      '  --help           print this, then exit',
    ].join('\n'),
  });
});

test('P-04 wrong use names what is wrong and where to look', () => {
  expect([parse('--manifst', 'x'), parse('serve'), parse('--manifest')]).toEqual([
    { kind: 'wrong_use', text: "stored: Unknown option '--manifst'; see stored --help" },
    { kind: 'wrong_use', text: "stored: Unexpected argument 'serve'; see stored --help" },
    { kind: 'wrong_use', text: "stored: Option '--manifest <value>' argument missing; see stored --help" },
  ]);
});
