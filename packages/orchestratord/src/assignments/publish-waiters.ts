import type { Clock } from '@corral/service-kit';

/**
 * What became of a command as far as its caller has to know.
 *
 * `confirmed`: its node, or a broker for it, has it durably. `pending`: there is no broker and the node is away; the
 * row of the outbox keeps it. `unavailable`: the broker is down or did not confirm in time. [E-08 E-09]
 */
export type Published = 'confirmed' | 'unavailable' | 'pending';

/** The command that somebody waits for. */
export interface AwaitedCommand {
  readonly id: number;
  readonly nodeId: string;
  /** `<org>/<instance>`. */
  readonly instance: string;
  readonly generation: number;
}

interface Waiter extends AwaitedCommand {
  readonly settle: (outcome: Published) => void;
}

/** Calls that wait for the publish of a command. A later command of the same instance counts for the earlier one, which it replaces. */
export class PublishWaiters {
  readonly #waiters = new Set<Waiter>();

  constructor(private readonly clock: Clock) {}

  /** Resolves with what is told of the command, or with `late` after `timeoutMs`. */
  async wait(command: AwaitedCommand, timeoutMs: number, late: Published): Promise<Published> {
    const timeout = new AbortController();
    const told = new Promise<Published>((resolve) => {
      const waiter: Waiter = { ...command, settle: resolve };
      this.#waiters.add(waiter);
      timeout.signal.addEventListener('abort', () => void this.#waiters.delete(waiter), { once: true });
    });
    const expired = this.clock.sleep(timeoutMs, timeout.signal).then(
      () => late,
      () => late,
    );
    try {
      return await Promise.race([told, expired]);
    } finally {
      timeout.abort();
    }
  }

  /** The node has this command, or a broker has it. */
  confirmed(command: Omit<AwaitedCommand, 'id'>): void {
    this.#settle('confirmed', (one) => one.nodeId === command.nodeId && one.instance === command.instance && one.generation <= command.generation);
  }

  /** The node was told everything up to this command. */
  toldUpTo(nodeId: string, id: number): void {
    this.#settle('confirmed', (one) => one.nodeId === nodeId && one.id <= id);
  }

  /** This command will never be published. */
  refused(id: number): void {
    this.#settle('unavailable', (one) => one.id === id);
  }

  /** Commands for the node cannot be published for now. */
  failed(nodeId: string, outcome: Exclude<Published, 'confirmed'>): void {
    this.#settle(outcome, (one) => one.nodeId === nodeId);
  }

  #settle(outcome: Published, isMeant: (waiter: Waiter) => boolean): void {
    for (const waiter of this.#waiters) if (isMeant(waiter)) waiter.settle(outcome);
  }
}
