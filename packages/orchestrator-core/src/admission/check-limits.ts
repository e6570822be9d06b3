/** The numbers of a task that have limits; an unset one asks for the default. */
export interface LimitedTask {
  /** Tokens of context that the task asks for. */
  readonly ctx?: number;
  readonly maxTokens?: number;
  /** Milliseconds from now within which the task has to end. */
  readonly deadlineMs?: number;
}

export interface TaskLimits {
  /** Context that one slot of the model has, in tokens; the answer lies in it too. */
  readonly ctxMax: number;
  /** Further limit of the operator on one answer; `null` for none. */
  readonly maxTokensOut: number | null;
  /** Earliest start by measured throughput; `null` when nothing was measured: a guess refuses nobody. */
  readonly earliestStartMs: number | null;
}

/** Why a task may not be queued: nothing is trimmed to fit. `limit` is what would have passed. [A-77 B-53] */
export type LimitRefusal =
  | {
      readonly kind: 'invalid_params';
      readonly field: 'ctx' | 'maxTokens';
      readonly given: number;
      readonly limit: number;
      readonly message: string;
    }
  | {
      readonly kind: 'deadline_unmet';
      readonly field: 'deadlineMs';
      readonly given: number;
      readonly limit: number;
      readonly message: string;
    };

/** Checks what is certain without a tokenizer. Returns the first refusal, or `null` for a task that may be queued. [A-77 B-53] */
export function checkLimits(task: LimitedTask, limits: TaskLimits): LimitRefusal | null {
  const answerMax = Math.min(limits.ctxMax, limits.maxTokensOut ?? limits.ctxMax);
  return (
    checkTokens('ctx', 'context', task.ctx, limits.ctxMax) ??
    checkTokens('maxTokens', 'number of tokens to generate', task.maxTokens, answerMax) ??
    checkDeadline(task.deadlineMs, limits.earliestStartMs)
  );
}

function checkTokens(field: 'ctx' | 'maxTokens', what: string, given: number | undefined, limit: number): LimitRefusal | null {
  if (given === undefined || (Number.isInteger(given) && given >= 1 && given <= limit)) return null;
  const rule = given > limit ? `is above the limit of ${limit}` : 'is not a whole number above 0';
  return { kind: 'invalid_params', field, given, limit, message: `the ${what}, ${given}, ${rule}; ask for 1 to ${limit}` };
}

function checkDeadline(given: number | undefined, earliestStartMs: number | null): LimitRefusal | null {
  if (given === undefined || given > (earliestStartMs ?? 0)) return null;
  const limit = Math.floor(earliestStartMs ?? 0) + 1;
  const message =
    given > 0
      ? `the task cannot start before its deadline: ${given} ms allowed, ${earliestStartMs} ms until the earliest start; allow at least ${limit} ms or try again later`
      : `a deadline of ${given} ms has passed already; allow at least ${limit} ms`;
  return { kind: 'deadline_unmet', field: 'deadlineMs', given, limit, message };
}
