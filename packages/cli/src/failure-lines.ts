import type { Colors } from 'picocolors/types.js';
import { CliFailure } from './cli-failure.js';
import { EXIT, type ExitCode } from './exit-code.js';

/** A failure as lines for standard error: what, what to do next, and the id to look for in the logs. Never a stack trace. [P-07 J-06] */
export function failureLines(error: unknown, colors: Colors): string[] {
  const failure = error instanceof CliFailure ? error : unexpected(error);
  return [
    `${colors.red('corral:')} ${oneLine(failure.message)}`,
    ...(failure.next === undefined ? [] : [`  ${colors.dim('next:')} ${oneLine(failure.next)}`]),
    ...(failure.correlationId === undefined ? [] : [`  ${colors.dim('correlation id:')} ${failure.correlationId}`]),
  ];
}

/** What the process ends with after this error. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof CliFailure ? error.exitCode : EXIT.failed;
}

function unexpected(error: unknown): CliFailure {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new CliFailure(`unexpected failure: ${message}`, { next: 'this is a defect of the corral command; corral logs may say more' });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, '; ').trim();
}
