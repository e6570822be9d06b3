import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Adds `corral completion <shell>`, and the hidden call by which the shells ask for words. */
export function addCompletion(program: Command): void {
  tab(program, { completionCommandName: 'completion' });
}
