export interface Machine<State, Event, Effect> {
  /** Pure. `ignored` says why the event changed nothing. */
  step(state: State, event: Event): { readonly next: State; readonly effects: readonly Effect[]; readonly ignored?: string };
  /** Starts the work. Whatever comes of it returns later through `post`. */
  perform(effect: Effect, post: (event: Event) => void): void;
  /** The one place that logs and measures what changed. */
  onStep(from: State, event: Event, to: State, ignored: string | undefined): void;
  /** Told once when `step`, `perform` or `onStep` threw. The daemon must end: its state can no longer be trusted. */
  onCrash(error: unknown): void;
}

/**
 * The only writer of one state. Events are posted from anywhere and stepped one at a time, in order; effects
 * run after the state they belong to is in place. After a crash every post throws.
 */
export class Owner<State, Event, Effect> {
  readonly #inbox: Event[] = [];
  #stepping = false;
  #crashed = false;

  constructor(
    private current: State,
    private readonly machine: Machine<State, Event, Effect>,
    private readonly inboxMax = 10_000,
  ) {}

  get state(): State {
    return this.current;
  }

  readonly post = (event: Event): void => {
    if (this.#crashed) throw new Error('the owner of this state crashed; the daemon must end');
    if (this.#inbox.length >= this.inboxMax) throw new Error(`owner inbox is full (${this.inboxMax})`);
    this.#inbox.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      while (this.#inbox.length > 0) this.#advance(this.#inbox.shift() as Event);
    } catch (error) {
      this.#crashed = true;
      this.machine.onCrash(error);
      throw error;
    } finally {
      this.#stepping = false;
    }
  };

  #advance(event: Event): void {
    const from = this.current;
    const { next, effects, ignored } = this.machine.step(from, event);
    this.current = next;
    this.machine.onStep(from, event, next, ignored);
    for (const effect of effects) this.machine.perform(effect, this.post);
  }
}
