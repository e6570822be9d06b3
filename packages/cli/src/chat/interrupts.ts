/** What a Ctrl-C does, by what is going on. */
export type InterruptEffect = 'stop_answer' | 'drop_line' | 'warn' | 'leave';

const STOPPED = new Error('the answer was stopped');

/** Counts Ctrl-C: the first stops the answer or warns, the second in a row leaves. */
export class Interrupts {
  #answer: AbortController | undefined;
  #inARow = 0;

  /** A signal that the next Ctrl-C aborts. */
  answering(): AbortSignal {
    this.#answer = new AbortController();
    return this.#answer.signal;
  }

  answered(): void {
    this.#answer = undefined;
  }

  /** Whether there was one to stop. */
  stopAnswer(): boolean {
    if (this.#answer === undefined || this.#answer.signal.aborted) return false;
    this.#answer.abort(STOPPED);
    return true;
  }

  /** `hasText`: something is typed that was not sent yet. */
  press(hasText: boolean): InterruptEffect {
    this.#inARow += 1;
    if (this.stopAnswer()) return 'stop_answer';
    if (hasText && this.#inARow === 1) {
      this.#inARow = 0;
      return 'drop_line';
    }
    return this.#inARow >= 2 ? 'leave' : 'warn';
  }

  /** A line was sent: the next Ctrl-C is a first one. */
  forget(): void {
    this.#inARow = 0;
  }
}
