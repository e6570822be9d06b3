// How the scripts speak: where the repository is, how long a step took, what a failed step says.
import { fileURLToPath } from 'node:url';

/** The repository's folder, without a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** The time since `started` (of performance.now), as people read it: `3.1 s`. */
export function seconds(started) {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** An error that shows the end of a program's output, then says what failed and what to do. */
export function stepFailed(what, output, nextStep) {
  const lines = output.trimEnd().split('\n').slice(-60).join('\n');
  return new Error(`${what}\n${lines}\ncorral: ${what}; ${nextStep}`);
}
