const MAX_LINES = 40;
const MAX_LINE_LENGTH = 400;
/** Of a line that is still coming: one of the log, with a stack, is to be read whole. */
const MAX_UNFINISHED = 8_192;

/** Keeps the last lines that a process wrote, each cut to a bounded length. */
export class LastWords {
  readonly #lines: string[] = [];
  #unfinished = '';

  /** Takes a piece of output as it comes; returns the lines that it completed. */
  push(text: string): readonly string[] {
    const parts = (this.#unfinished + text).split('\n');
    this.#unfinished = (parts.pop() ?? '').slice(0, MAX_UNFINISHED);
    const complete = parts.map((line) => line.trimEnd()).filter((line) => line !== '');
    this.#lines.push(...complete.slice(-MAX_LINES).map((line) => readable(line).slice(0, MAX_LINE_LENGTH)));
    this.#lines.splice(0, Math.max(0, this.#lines.length - MAX_LINES));
    return complete.map((line) => line.slice(0, MAX_LINE_LENGTH));
  }

  /** Oldest first, an unfinished last line included. */
  get lines(): readonly string[] {
    return this.#unfinished.trim() === '' ? [...this.#lines] : [...this.#lines, this.#unfinished.trimEnd().slice(0, MAX_LINE_LENGTH)];
  }
}

/** A line of the worker's own log as its reader wants it: last words end in messages to people, and a stack is for the log. */
function readable(line: string): string {
  const { message, error } = parsed(line);
  if (typeof message !== 'string') return line;
  return typeof error === 'string' ? `${message}: ${error.split('\n')[0] ?? ''}` : message;
}

function parsed(line: string): { readonly message?: unknown; readonly error?: unknown } {
  if (!line.startsWith('{')) return {};
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}

const TELLING = /GGML_ASSERT|ggml_abort|CUDA error|vk::|out of memory|terminate called|fatal|error|failed/i;

/** The line that most likely says why a process ended; `null` when it said nothing. */
export function reasonIn(lines: readonly string[]): string | null {
  return lines.findLast((line) => TELLING.test(line)) ?? lines.at(-1) ?? null;
}
