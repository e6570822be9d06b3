import type { EventBus } from '@corral/event-bus';
import { backoffMs, type Clock, type Log } from '@corral/service-kit';
import type { Store } from '../store/open-store.js';
import { dropCommand, dropSuperseded, dropUnsent, markFailed, markSent, nodesWithCommands, pruneSent, unsentCommands, type OutboxEntry } from '../store/outbox-rows.js';

export interface OutboxRelayOptions {
  readonly store: Store;
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  /** A node that is away keeps its commands; nothing is tried meanwhile. */
  isOnline(nodeId: string): boolean;
}

interface NodeQueue {
  working: boolean;
  failures: number;
  retryAtMs: number;
}

const BATCH = 100;
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
  #wake = new AbortController();
  #prunedAtMs = 0;

  constructor(private readonly options: OutboxRelayOptions) {}

  start(): void {
    this.#track(this.#run());
  }

  /** Commands were committed, or a node can be reached again: look now. */
  readonly wake = (nodeIds: readonly string[] = []): void => {
    for (const nodeId of nodeIds) this.#queueOf(nodeId).retryAtMs = 0;
    this.#wake.abort();
  };

  /** The node was told its whole set, which holds every command up to this id. */
  toldAll(nodeId: string, upToId: number): void {
    const dropped = dropUnsent(this.options.store.db, nodeId, upToId).then(
      () => undefined,
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
    const { store, clock, isOnline } = this.options;
    const nowMs = clock.monotonicMs();
    for (const nodeId of await nodesWithCommands(store.db)) {
      const queue = this.#queueOf(nodeId);
      if (queue.working || nowMs < queue.retryAtMs || !isOnline(nodeId)) continue;
      queue.working = true;
      this.#track(this.#drain(nodeId, queue).finally(() => (queue.working = false)));
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
        for (const entry of entries) {
          if (this.#stopped.signal.aborted || !(await this.#publish(entry, queue))) return;
        }
      }
      this.#queues.delete(nodeId);
    } catch (error) {
      queue.retryAtMs = clock.monotonicMs() + RETRY.maxMs;
      log.error('outbox cannot be read', { node_id: nodeId, error });
    }
  }

  /** False when the node cannot be reached: what follows must wait, since order matters. */
  async #publish({ id, nodeId, command, attempts }: OutboxEntry, queue: NodeQueue): Promise<boolean> {
    const { store, bus, clock, log } = this.options;
    const { instance_id, org_id, generation, wanted, reason } = command.data;
    const facts = { node_id: nodeId, instance_id, org_id, generation, wanted, correlation_id: command.correlationid };
    const outcome = await bus.publish(command, { kind: 'node', nodeId });
    switch (outcome.kind) {
      case 'confirmed':
        queue.failures = 0;
        await markSent(store.db, id, clock.nowMs());
        log.info('command published', { ...facts, reason });
        return true;
      case 'refused':
        log.error('command refused by its node', { ...facts, reason: outcome.reason });
        await dropCommand(store.db, id);
        return true;
      case 'unavailable':
        queue.failures += 1;
        queue.retryAtMs = clock.monotonicMs() + backoffMs(queue.failures, RETRY);
        await markFailed(store.db, id, outcome.reason);
        if (attempts === 0) log.warn('command not published yet', { ...facts, reason: outcome.reason });
        return false;
    }
  }

  #queueOf(nodeId: string): NodeQueue {
    const queue = this.#queues.get(nodeId) ?? { working: false, failures: 0, retryAtMs: 0 };
    this.#queues.set(nodeId, queue);
    return queue;
  }

  #track(job: Promise<void>): void {
    this.#jobs.add(job);
    void job.finally(() => this.#jobs.delete(job));
  }
}
