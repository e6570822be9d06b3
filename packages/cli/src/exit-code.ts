/** Exit codes of every command: a script tells by them what to do next. */
export const EXIT = {
  done: 0,
  failed: 1,
  wrongUse: 2,
  unreachable: 3,
  refused: 4,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
