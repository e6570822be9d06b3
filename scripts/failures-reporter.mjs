// A jest reporter that is quiet on success: it prints the suites that fail, with what they logged, as soon as they do.
import { writeSync } from 'node:fs';
import { relative } from 'node:path';

/** Where scripts/test.mjs listens; jest's own standard streams carry the noise of native code and go to a file. */
const TERMINAL = 3;

export default class FailuresReporter {
  onTestResult(test, { failureMessage, testExecError, console: logged }) {
    const failure = failureMessage ?? testExecError?.stack ?? null;
    if (failure === null) return;
    const lines = (logged ?? []).map(({ type, message }) => `  console.${type}: ${message}`);
    say(['', `FAILED ${relative(process.cwd(), test.path)}`, failure.trimEnd(), ...lines, ''].join('\n'));
  }
}

function say(text) {
  try {
    writeSync(TERMINAL, `${text}\n`);
  } catch (error) {
    // A full pipe is not worth a crashed run: the same failures are in jest's result file.
    if (error.code !== 'EAGAIN') throw error;
  }
}
