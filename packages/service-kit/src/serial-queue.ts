/** Refused by a {@link SerialQueue} that holds as much as it may. */
export class QueueFullError extends Error {
  constructor(readonly limit: number) {
    super(`${limit} jobs wait already; try again when some are done`);
    this.name = 'QueueFullError';
  }
}

/** Runs async jobs one at a time, in order. A job that fails fails alone. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #size = 0;

  /** @param limit jobs that may wait or run at once. */
  constructor(private readonly limit: number) {}

  /** Jobs that wait or run. */
  get size(): number {
    return this.#size;
  }

  /** Resolves or rejects as the job does; rejects with {@link QueueFullError} when there is no room. */
  run<T>(job: () => Promise<T> | T): Promise<T> {
    if (this.#size >= this.limit) return Promise.reject(new QueueFullError(this.limit));
    this.#size += 1;
    const result = this.#tail.then(job);
    this.#tail = result.then(this.#done, this.#done);
    return result;
  }

  /** Resolves when every job that is here at the time of the call is done. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  readonly #done = (): void => {
    this.#size -= 1;
  };
}
