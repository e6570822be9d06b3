/** Work that is going on, shared by everyone who asks for the same thing. */
export interface Flight<Result, Progress> {
  /** Says exactly what it does; two flights with the same label have the same outcome. */
  readonly label: string;
  /** Nobody waits for it any longer and it is ending. */
  readonly isAbandoned: boolean;
  /**
   * Waits for the result. A caller whose signal aborts leaves with the signal's reason; the work goes on for
   * the others, and when the last one leaves it is aborted and has ended before that one's promise rejects.
   */
  join(signal: AbortSignal | undefined, onProgress: ((progress: Progress) => void) | undefined): Promise<Result>;
}

/** What the work of a flight gets. */
export interface FlightContext<Progress> {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** One flight at a time per key, and a bounded number in all. [D-24] */
export class Flights<Result, Progress> {
  readonly #byKey = new Map<string, SharedWork<Result, Progress>>();

  constructor(private readonly max: number) {}

  get isFull(): boolean {
    return new Set(this.#byKey.values()).size >= this.max;
  }

  /** A flight that has one of these keys, or `null`. */
  find(keys: readonly string[]): Flight<Result, Progress> | null {
    for (const key of keys) {
      const flight = this.#byKey.get(key);
      if (flight !== undefined) return flight;
    }
    return null;
  }

  /** Starts work under these keys, none of which may be taken. It begins in a later turn, so that its caller can join first. */
  start(label: string, keys: readonly string[], work: (context: FlightContext<Progress>) => Promise<Result>): Flight<Result, Progress> {
    const flight = new SharedWork<Result, Progress>(label, work, () => {
      for (const key of keys) this.#byKey.delete(key);
    });
    for (const key of keys) this.#byKey.set(key, flight);
    return flight;
  }

  /** Aborts everything and waits until it has ended. */
  async close(reason: Error): Promise<void> {
    const flights = [...new Set(this.#byKey.values())];
    await Promise.allSettled(flights.map((flight) => flight.abort(reason)));
  }
}

class SharedWork<Result, Progress> implements Flight<Result, Progress> {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<(progress: Progress) => void>();
  readonly #settled: Promise<Result>;
  #last: Progress | null = null;
  #waiting = 0;

  constructor(
    readonly label: string,
    work: (context: FlightContext<Progress>) => Promise<Result>,
    onEnd: () => void,
  ) {
    const onProgress = (progress: Progress) => {
      this.#last = progress;
      for (const listener of this.#listeners) listener(progress);
    };
    this.#settled = Promise.resolve()
      .then(() => work({ signal: this.#controller.signal, onProgress }))
      .finally(onEnd);
    // Whoever joined hears of a failure; nobody needs to have joined.
    this.#settled.catch(() => undefined);
  }

  get isAbandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  abort(reason: Error): Promise<Result> {
    this.#controller.abort(reason);
    return this.#settled;
  }

  async join(signal: AbortSignal | undefined, onProgress: ((progress: Progress) => void) | undefined): Promise<Result> {
    signal?.throwIfAborted();
    const listener = (progress: Progress) => onProgress?.(progress);
    this.#listeners.add(listener);
    this.#waiting += 1;
    if (this.#last !== null) listener(this.#last);
    let leave: () => void = () => undefined;
    try {
      const left = new Promise<'left'>((resolve) => {
        leave = () => resolve('left');
        signal?.addEventListener('abort', leave, { once: true });
      });
      const first = await Promise.race([this.#settled.then((result) => ({ result })), left]);
      if (first !== 'left') return first.result;
    } finally {
      signal?.removeEventListener('abort', leave);
      this.#listeners.delete(listener);
      this.#waiting -= 1;
    }
    if (this.#waiting === 0) await this.abort(new Error('nobody waits for it any longer')).catch(() => undefined);
    throw signal?.reason;
  }
}
