import type { Interface } from 'node:readline';
import type { Clock } from '@corral/service-kit';

/** Lines that come this close together were pasted, not typed. */
const PASTE_MS = 30;
const LINES_MAX = 10_000;

/** What is typed, one message at a time: a pasted text of several lines is one. */
export class ChatLines {
  readonly #lines: string[] = [];
  #wake: (() => void) | undefined;

  constructor(
    private readonly terminal: Interface,
    private readonly clock: Clock,
  ) {
    terminal.on('line', (line) => {
      if (this.#lines.length < LINES_MAX) this.#lines.push(line);
      this.#wake?.();
    });
  }

  /** Shows the prompt and resolves with what is typed, or was while nobody asked; `undefined` when `signal` is aborted first. */
  async next(prompt: string, signal: AbortSignal): Promise<string | undefined> {
    this.terminal.setPrompt(prompt);
    this.terminal.prompt();
    if (this.#lines.length === 0) await this.#line(signal);
    for (let count = 0; count !== this.#lines.length && !signal.aborted;) {
      count = this.#lines.length;
      await this.clock.sleep(PASTE_MS, signal).catch(() => {});
    }
    return signal.aborted ? undefined : this.#lines.splice(0).join('\n');
  }

  async #line(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', this.#onAbort, { once: true });
    });
    signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.#wake?.();
}
