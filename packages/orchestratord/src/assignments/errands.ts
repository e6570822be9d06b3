import { ApiError } from '@corral/contracts';

/** Work of others that must not run while the owner of a state decides about it: it does them itself, in order, when it is between two decisions. */
export class Errands {
  readonly #waiting: { run(): Promise<void>; refuse(error: unknown): void }[] = [];
  #closed = false;

  /** Resolves or rejects as the job does. */
  add<T>(job: () => Promise<T> | T): Promise<T> {
    if (this.#closed) return Promise.reject(stopping());
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        run: async () => {
          try {
            resolve(await job());
          } catch (error) {
            reject(error);
          }
        },
        refuse: reject,
      });
    });
  }

  /** Does everything that waits. */
  async run(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await next.run();
  }

  close(): void {
    this.#closed = true;
    for (const { refuse } of this.#waiting.splice(0)) refuse(stopping());
  }
}

function stopping(): ApiError {
  return new ApiError('SHUTTING_DOWN', 'the server is stopping; send the request again in a moment', { retry_after_ms: 2_000 });
}
