/** The two classes of a task; `interactive` always goes first. */
export type Priority = 'interactive' | 'batch';

/** Both classes in the order in which they are served. */
export const PRIORITIES: readonly Priority[] = ['interactive', 'batch'];
