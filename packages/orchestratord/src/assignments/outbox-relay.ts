import type { EventEnvelope } from '@corral/contracts';
import type { EventBus, PublishOutcome } from '@corral/event-bus';
import { backoffMs, type Clock, type Log } from '@corral/service-kit';
import type { Store } from '../store/open-store.js';
import { dropCommand, dropSuperseded, dropUnsent, findUnsent, markFailed, markSent, nodesWithCommands, pruneSent, unsentCommands, type OutboxEntry } from '../store/outbox-rows.js';
import { PublishWaiters, type Published } from './publish-waiters.js';

export interface OutboxRelayOptions {
  readonly store: Store;
  readonly bus: Pick<EventBus, 'publish' | 'state' | 'inFlightMax'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Without a broker, a node that is away keeps its commands; nothing is tried meanwhile. */
  isOnline(nodeId: string): boolean;
  /** Told of every command that was published. Must not throw. */
  readonly onPublished?: (command: EventEnvelope) => void;
  /** How long {@link OutboxRelay.published} waits. Default 5 s. */
  readonly publishedWithinMs?: number;
}

interface NodeQueue {
  working: boolean;
  /** Something was committed while it worked: it may not have seen it. */
  again: boolean;
  failures: number;
  retryAtMs: number;
}

const BATCH = 100;
const PUBLISHED_WITHIN_MS = 5_000;
const RETRY = { initialMs: 200, maxMs: 10_000 };
const POLL_MS = 1_000;
const PRUNE_EVERY_MS = 600_000;
const KEEP_SENT_MS = 3_600_000;

/**
 * Publishes the commands of the outbox, those of one node one after the other. A row counts as sent when its publish
 * was confirmed; until then it stays, so a command can come twice and is never lost. [E-08 E-10]
 */
export class OutboxRelay {
  readonly #queues = new Map<string, NodeQueue>();
  readonly #stopped = new AbortController();
  readonly #jobs = new Set<Promise<void>>();
  readonly #waiters: PublishWaiters;
  #wake = new AbortController();
  #prunedAtMs = 0;

  constructor(private readonly options: OutboxRelayOptions) {
    this.#waiters = new PublishWaiters(options.clock);
  }

  start(): void {
    this.#track(this.#run());
  }

  /** Commands were committed, or a node can be reached again: look now. */
  readonly wake = (nodeIds: readonly string[] = []): void => {
    for (const nodeId of nodeIds) {
      const queue = this.#queueOf(nodeId);
      queue.retryAtMs = 0;
      queue.again = queue.working;
    }
    this.#wake.abort();
  };

  /** The broker can be reached again: every node's commands are tried at once. */
  readonly wakeAll = (): void => this.wake([...this.#queues.keys()]);

  /** Why no command can be published now, so that a call is refused before it changes anything; `null` when nothing speaks against it. [E-08] */
  refusal(): string | null {
    const { mode, connected, lastError } = this.options.bus.state();
    return mode === 'http' || connected ? null : `the message broker cannot be reached (${lastError ?? 'it was not reached yet'}); see that it runs, or try again in a moment`;
  }

  /**
   * Resolves when a committed command was published, or why not. `unavailable` says that the row is still there and
   * goes out later: whoever must not have it so takes it back with a later generation. Never rejects. [E-08 E-09]
   */
  async published(commandId: number): Promise<Published> {
    const { store, bus, log, publishedWithinMs } = this.options;
    const notNow = bus.state().mode === 'http' ? 'pending' : 'unavailable';
    try {
      const row = await findUnsent(store.db, commandId);
      if (row === undefined) return 'confirmed';
      if (notNow === 'pending' ? !this.options.isOnline(row.nodeId) : !bus.state().connected) return notNow;
      const command = { id: commandId, nodeId: row.nodeId, instance: `${row.orgId}/${row.instanceId}`, generation: row.generation };
      const told = this.#waiters.wait(command, publishedWithinMs ?? PUBLISHED_WITHIN_MS, notNow);
      this.wake([row.nodeId]);
      // It may have gone out between the look at the row and the wait.
      return (await findUnsent(store.db, commandId)) === undefined ? 'confirmed' : await told;
    } catch (error) {
      log.error('outbox cannot be read', { error });
      return 'unavailable';
    }
  }

  /** The node was told its whole set, which holds every command up to this id. */
  toldAll(nodeId: string, upToId: number): void {
    // What went through a broker is seen by whoever listens there; a repetition harms nobody.
    if (this.options.bus.state().mode === 'rabbitmq') return;
    const dropped = dropUnsent(this.options.store.db, nodeId, upToId).then(
      () => this.#waiters.toldUpTo(nodeId, upToId),
      (error: unknown) => this.options.log.error('outbox not cleared', { node_id: nodeId, error }),
    );
    this.#track(dropped);
  }

  /** Ends after the publishes that are under way. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the outbox relay is closed'));
    this.#wake.abort();
    await Promise.all(this.#jobs);
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#wake = new AbortController();
      await this.#round().catch((error: unknown) => this.options.log.error('outbox cannot be read', { error }));
      await this.options.clock.sleep(POLL_MS, this.#wake.signal).catch(() => undefined);
    }
  }

  async #round(): Promise<void> {
    const { store, bus, clock, isOnline } = this.options;
    const nowMs = clock.monotonicMs();
    for (const nodeId of await nodesWithCommands(store.db)) {
      const queue = this.#queueOf(nodeId);
      if (queue.working || nowMs < queue.retryAtMs || (bus.state().mode === 'http' && !isOnline(nodeId))) continue;
      queue.working = true;
      this.#track(this.#drain(nodeId, queue).finally(() => this.#drained(nodeId, queue)));
    }
    if (nowMs - this.#prunedAtMs < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = nowMs;
    await pruneSent(store.db, clock.nowMs() - KEEP_SENT_MS);
  }

  async #drain(nodeId: string, queue: NodeQueue): Promise<void> {
    const { store, clock, log } = this.options;
    try {
      await dropSuperseded(store.db, nodeId);
      for (let entries = await unsentCommands(store.db, nodeId, BATCH); entries.length > 0; entries = await unsentCommands(store.db, nodeId, BATCH)) {
        if (!(await this.#publishAll(entries, queue))) return;
      }
    } catch (error) {
      queue.retryAtMs = clock.monotonicMs() + RETRY.maxMs;
      log.error('outbox cannot be read', { node_id: nodeId, error });
    }
  }

  #drained(nodeId: string, queue: NodeQueue): void {
    queue.working = false;
    if (queue.again) this.#wake.abort();
    else if (queue.retryAtMs === 0) this.#queues.delete(nodeId);
    queue.again = false;
  }

  /** False when the node cannot be reached: what follows must wait, since order matters. */
  async #publishAll(entries: readonly OutboxEntry[], queue: NodeQueue): Promise<boolean> {
    const { bus, clock } = this.options;
    for (let at = 0; at < entries.length; at += bus.inFlightMax) {
      if (this.#stopped.signal.aborted) return false;
      const group = entries.slice(at, at + bus.inFlightMax);
      const outcomes = await Promise.all(group.map(({ command, nodeId }) => bus.publish(command, { kind: 'node', nodeId })));
      const isThrough = await this.#settle(group, outcomes);
      queue.failures = isThrough ? 0 : queue.failures + 1;
      if (isThrough) continue;
      queue.retryAtMs = clock.monotonicMs() + backoffMs(queue.failures, RETRY);
      return false;
    }
    return true;
  }

  /** Notes what became of commands that were published together. False when one has to be published again. */
  async #settle(entries: readonly OutboxEntry[], outcomes: readonly PublishOutcome[]): Promise<boolean> {
    const { store, bus, clock, log } = this.options;
    const withOutcome = entries.map((entry, n) => ({ entry, outcome: outcomes[n] ?? { kind: 'unavailable' as const, reason: 'no outcome' } }));
    const confirmed = withOutcome.filter(({ outcome }) => outcome.kind === 'confirmed').map(({ entry }) => entry);
    if (confirmed.length > 0) await markSent(store.db, confirmed.map(({ id }) => id), clock.nowMs());
    let isThrough = true;
    // They share a fault: one line tells it.
    let isTold = false;
    for (const { entry, outcome } of withOutcome) {
      const facts = factsOf(entry);
      if (outcome.kind === 'confirmed') {
        this.#waiters.confirmed({ nodeId: entry.nodeId, instance: instanceOf(entry), generation: entry.command.data.generation });
        this.options.onPublished?.(entry.command);
        log.info('command published', { ...facts, reason: entry.command.data.reason });
      } else if (outcome.kind === 'refused') {
        log.error('command refused by its node', { ...facts, reason: outcome.reason });
        await dropCommand(store.db, entry.id);
        this.#waiters.refused(entry.id);
      } else {
        isThrough = false;
        await markFailed(store.db, entry.id, outcome.reason);
        this.#waiters.failed(entry.nodeId, bus.state().mode === 'http' ? 'pending' : 'unavailable');
        if (entry.attempts === 0 && !isTold) log.warn('command not published yet', { ...facts, reason: outcome.reason, waiting: entries.length - confirmed.length });
        isTold ||= entry.attempts === 0;
      }
    }
    return isThrough;
  }

  #queueOf(nodeId: string): NodeQueue {
    const queue = this.#queues.get(nodeId) ?? { working: false, again: false, failures: 0, retryAtMs: 0 };
    this.#queues.set(nodeId, queue);
    return queue;
  }

  #track(job: Promise<void>): void {
    this.#jobs.add(job);
    void job.finally(() => this.#jobs.delete(job));
  }
}

function instanceOf({ command }: OutboxEntry): string {
  return `${command.data.org_id}/${command.data.instance_id}`;
}

function factsOf({ nodeId, command }: OutboxEntry): object {
  const { instance_id, org_id, generation, wanted } = command.data;
  return { node_id: nodeId, instance_id, org_id, generation, wanted, correlation_id: command.correlationid };
}
