// Runs a program that sleeps, and is killed while it does.
import { systemClock } from '@corral/service-kit';
import { runProgram } from '../dist/programs/run-program.js';

await runProgram(['sh', '-c', 'echo $$; sleep 300; true'], {
  env: process.env,
  cwd: '/',
  clock: systemClock,
  signal: new AbortController().signal,
  onStdout: (text) => process.send(Number(text.trim())),
});
