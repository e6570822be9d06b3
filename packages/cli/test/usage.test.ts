import { describe, expect, test } from '@jest/globals';
import { runCorral } from './run-corral.js';

describe('wrong use is exit code 2 with the next step', () => {
  test.each([
    [['bogus'], /unknown command 'bogus'; did you mean logs\?/],
    [['ps', '--nope'], /unknown option '--nope'/],
    [['cancel'], /missing required argument 'task'/],
    [['ps', 'extra'], /too many arguments/],
    [['logs', '--level', 'loud'], /Allowed choices are error, warn, info, debug/],
    [['logs', '--lines', 'x'], /--lines x is no number of lines/],
    [['up', '--once'], /--once ends after the answer/],
    [['up', '--ask', ' '], /--ask has no text/],
    [['up', '--port', '70000'], /--port 70000 is no port/],
    [['up', '--pool-port', '-1'], /--pool-port -1 is no port/],
    [['up', '--manifest', '/nowhere/m.yaml'], /--manifest \/nowhere\/m\.yaml cannot be read \(ENOENT\)/],
    [['chat', 'm', 'hi', '--temperature', '3'], /--temperature 3 is out of range\n.*from 0 to 2/],
    [['chat', 'm', 'hi', '--max-tokens', '1.5'], /--max-tokens 1.5 is out of range\n.*a whole number from 1/],
    [['chat', 'm'], /there is no text to answer/],
    [['ps', '--url', 'localhost'], /"localhost" is not the address of a server/],
  ])('%j', async (argv, said) => {
    const { code, out, err } = await runCorral(argv);
    expect([code, out, err.split('\n').length]).toEqual([2, '', 3]);
    expect(err).toMatch(said);
    expect(err).toContain('\n  next: ');
  });

  test('a missing command is answered with the help, on standard error', async () => {
    expect(await runCorral([])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Usage: corral') });
    expect(await runCorral(['models'])).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Usage: corral models') });
  });

  test('help and version that were asked for are no failure', async () => {
    expect(await runCorral(['--version'])).toEqual({ code: 0, out: '9.8.7\n', err: '' });
    expect(await runCorral(['up', '--help'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/--allow-cpu[\s\S]*Global Options:[\s\S]*--json/),
      err: '',
    });
  });
});
