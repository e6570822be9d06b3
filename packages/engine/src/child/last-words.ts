const MAX_LINES = 40;
const MAX_LINE_LENGTH = 400;

/** Keeps the last lines that a process wrote, each cut to a bounded length. */
export class LastWords {
  readonly #lines: string[] = [];
  #unfinished = '';

  /** Takes a piece of output as it comes; returns the lines that it completed. */
  push(text: string): readonly string[] {
    const parts = (this.#unfinished + text).split('\n');
    this.#unfinished = (parts.pop() ?? '').slice(0, MAX_LINE_LENGTH);
    const complete = parts.map((line) => line.trimEnd().slice(0, MAX_LINE_LENGTH)).filter((line) => line !== '');
    this.#lines.push(...complete.slice(-MAX_LINES));
    this.#lines.splice(0, Math.max(0, this.#lines.length - MAX_LINES));
    return complete;
  }

  /** Oldest first, an unfinished last line included. */
  get lines(): readonly string[] {
    return this.#unfinished.trim() === '' ? [...this.#lines] : [...this.#lines, this.#unfinished.trimEnd()];
  }
}

const TELLING = /GGML_ASSERT|ggml_abort|CUDA error|vk::|out of memory|terminate called|fatal|error|failed/i;

/** The line that most likely says why a process ended; `null` when it said nothing. */
export function reasonIn(lines: readonly string[]): string | null {
  return lines.findLast((line) => TELLING.test(line)) ?? lines.at(-1) ?? null;
}
