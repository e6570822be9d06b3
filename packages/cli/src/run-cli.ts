import { CommanderError, type Command } from 'commander';
import type { CliContext } from './cli-context.js';
import { CliFailure, wrongUse } from './cli-failure.js';
import { EXIT } from './exit-code.js';
import { exitCodeOf, failureLines } from './failure-lines.js';
import { createProgram } from './program.js';

export interface CliProcess {
  readonly version: string;
  /** Without node and script. */
  readonly argv: readonly string[];
  /** Made when a command runs: help and completion do without. */
  readonly context: () => Promise<CliContext>;
  readonly out: Pick<CliContext['out'], 'write'>;
  readonly err: Pick<CliContext['err'], 'write'>;
  readonly errColors: CliContext['errColors'];
  /** Adds the shell completion to the finished program. */
  readonly complete: (program: Command) => void;
}

/** Runs one command line. Resolves with the exit code; every failure is on `err` by then, as two or three lines. */
export async function runCli({ version, argv, context, out, err, errColors, complete }: CliProcess): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = createProgram(version, async (command) => {
    exitCode = (await command(await context())) ?? EXIT.done;
  });
  complete(program);
  forEachCommand(program, (command) =>
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text), outputError: () => {} }),
  );
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && isHelp(error)) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
    const failure = error instanceof CommanderError ? usageFailure(error) : error;
    failureLines(failure, errColors).forEach((line) => err.write(`${line}\n`));
    return exitCodeOf(failure);
  }
}

/** Help and version are thrown too. Help that nobody asked for, because a command is missing, is wrong use. */
function isHelp({ code, exitCode }: CommanderError): boolean {
  return exitCode === 0 || code === 'commander.help';
}

function usageFailure({ message }: CommanderError): CliFailure {
  const said = message.replace(/^error: /, '').replace(/\n\(Did you mean (.*)\?\)$/, '; did you mean $1?');
  return wrongUse(said, 'corral --help lists the commands, corral COMMAND --help its flags');
}

function forEachCommand(command: Command, act: (command: Command) => void): void {
  act(command);
  command.commands.forEach((child) => forEachCommand(child, act));
}
