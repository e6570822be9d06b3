/**
 * A wish to reload that says nothing but that something changed, such as a signal: as many as come while a reload runs
 * make one more after it, which sees what all of them meant. [F-19]
 */
export class ReloadTrigger {
  #isRunning = false;
  #isWishedAgain = false;

  /** @param reload never rejects. */
  constructor(private readonly reload: () => Promise<unknown>) {}

  readonly fire = (): void => {
    this.#isWishedAgain = true;
    if (!this.#isRunning) void this.#run();
  };

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isWishedAgain) {
      this.#isWishedAgain = false;
      await this.reload();
    }
    this.#isRunning = false;
  }
}
