import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { run } from './command.mjs';
import { root } from './report.mjs';

test('I-23 a program that ends, one that fails, and one that does not exist each have their code', async () => {
  expect(await run(process.execPath, ['-e', 'console.log(1); console.error(2)'])).toEqual({ code: 0, output: expect.stringMatching(/^(1\n2|2\n1)\n$/) });
  expect(await run(process.execPath, ['-e', 'process.exit(7)'])).toEqual({ code: 7, output: '' });
  expect(await run('no-such-program', [])).toEqual({ code: 127, output: 'no-such-program: spawn no-such-program ENOENT\n' });
});

test('I-23 a program that passes its limit is ended with code 124, and so is what it started', async () => {
  const started = performance.now();
  const script = "require('node:child_process').spawn('sleep', ['60'], { stdio: 'inherit' }); setTimeout(() => {}, 60_000)";
  const { code, output } = await run(process.execPath, ['-e', script], { limitMs: 300 });
  expect({ code, said: output.includes('was ended after 0.3 s') }).toEqual({ code: 124, said: true });
  expect(performance.now() - started).toBeLessThan(20_000);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])('I-24 a script that gets %s ends what it runs and exits with %i', async (signal, code) => {
  const script = `
    import { endWithSignals, run } from ${JSON.stringify(join(root, 'scripts/command.mjs'))};
    endWithSignals();
    const running = run(process.execPath, ['-e', 'console.error(process.pid); setTimeout(() => {}, 60_000)'], { stdio: ['ignore', 'ignore', 2] });
    console.log((await running).code);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const [pid] = await once(child.stderr, 'data');
  child.kill(signal);
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  expect(await once(child, 'close')).toEqual([code, null]);
  expect(printed).toBe('');
  expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
});
