import type { Command } from 'commander';
import type { CliContext } from './cli-context.js';
import type { Globals } from './commands/globals.js';

/** Runs one command with the process's context; failures and the exit code are the runner's. */
export type Perform = (command: (context: CliContext) => Promise<number | void>) => Promise<void>;

/** A command's own options and the global ones, wherever on the line they stood. */
export function optionsOf<T extends Globals>(command: Command): T {
  return command.optsWithGlobals<T>();
}
