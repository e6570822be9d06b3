import { EXIT, type ExitCode } from './exit-code.js';

export interface FailureDetails {
  /** What the user does next, one line. */
  readonly next?: string | undefined;
  readonly exitCode?: ExitCode;
  readonly correlationId?: string | undefined;
}

/** A failure that the user can act on. `message` says what happened, in one line. [P-07] */
export class CliFailure extends Error {
  readonly next: string | undefined;
  readonly exitCode: ExitCode;
  readonly correlationId: string | undefined;

  constructor(message: string, details: FailureDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliFailure';
    this.next = details.next;
    this.exitCode = details.exitCode ?? EXIT.failed;
    this.correlationId = details.correlationId;
  }
}

/** The command line was wrong: exit code 2. */
export function wrongUse(message: string, next: string): CliFailure {
  return new CliFailure(message, { next, exitCode: EXIT.wrongUse });
}
