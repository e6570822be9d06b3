/**
 * SIGHUP as the wish for another manifest, from the first moment of the process to its last: without a listener it would
 * end the process. One that comes before anybody listens is told to whoever then does. [F-02]
 */
export class Hangups {
  #listener: (() => void) | null = null;
  #isWaiting = false;

  constructor() {
    process.on('SIGHUP', this.#onSignal);
  }

  listen(listener: () => void): void {
    this.#listener = listener;
    if (this.#isWaiting) listener();
    this.#isWaiting = false;
  }

  /** From now on they are heard and mean nothing. */
  ignore(): void {
    this.#listener = () => undefined;
  }

  close(): void {
    process.off('SIGHUP', this.#onSignal);
  }

  readonly #onSignal = (): void => {
    if (this.#listener === null) this.#isWaiting = true;
    else this.#listener();
  };
}
