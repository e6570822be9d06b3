import { setMaxListeners } from 'node:events';
import { NodeState, validator, describeProblems, type NodeSummary } from '@corral/contracts';
import { messageOf } from '@corral/service-kit';
import type { Clock, HttpClient, Log } from '@corral/service-kit';
import { reportProblem } from './report-problem.js';

export interface NodePollsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly staticUrls: readonly string[];
  readonly pollMs?: number;
  /** Opens a client that the polls own. */
  open(address: string): HttpClient;
  onState(address: string, state: NodeState): void;
  /** A node that was reached before has not answered so often that it counts as away. */
  onMissed(nodeId: string, reason: string): void;
  /** The node sends heartbeats, so that asking it is not needed. */
  isReporting(nodeId: string): boolean;
}

interface StaticNode {
  readonly url: string;
  readonly client: HttpClient;
  /** Known once it has answered. */
  nodeId: string | null;
  misses: number;
  lastError: string | null;
}

const POLL_MS = 5_000;
const TIMEOUT_MS = 5_000;
const MISSES_MAX = 3;
/** Somebody waits for this answer. */
const REFRESH_TIMEOUT_MS = 3_000;
/** A node that was asked at once and does not answer is asked again so soon. */
const ASK_AGAIN_MS = 500;

const validate = validator(NodeState);

/** Asks nodes for their state: static ones every few seconds, any one at once when somebody needs to know. [P-16] */
export class NodePolls {
  readonly #nodes: readonly StaticNode[];
  readonly #running: Promise<void>[] = [];
  readonly #refreshing = new Map<string, 'asked' | 'asked_again'>();
  readonly #refreshMisses = new Map<string, number>();
  readonly #stopped = new AbortController();

  constructor(private readonly options: NodePollsOptions) {
    // One listener for each question under way.
    setMaxListeners(0, this.#stopped.signal);
    const urls = [...new Set(options.staticUrls.map((url) => url.replace(/\/+$/, '')))];
    this.#nodes = urls.map((url) => ({ url, client: options.open(url), nodeId: null, misses: 0, lastError: null }));
  }

  start(): void {
    for (const node of this.#nodes) this.#running.push(this.#poll(node));
  }

  async close(): Promise<void> {
    this.#stopped.abort(new Error('the polls are closed'));
    await Promise.all([...this.#running, ...this.#nodes.map(({ client }) => client.close())]);
  }

  /**
   * Asks now. A call while an answer is awaited makes one more question after it. Without an answer it asks again until
   * there is one or the node counts as away, so that whoever met a dead node finds out in seconds. [P-17]
   */
  refresh(nodeId: string, address: string, client: HttpClient): void {
    if (this.#refreshing.has(nodeId)) {
      this.#refreshing.set(nodeId, 'asked_again');
      return;
    }
    this.#refreshing.set(nodeId, 'asked');
    void this.#ask(client, REFRESH_TIMEOUT_MS).then(
      (state) => this.#refreshed(nodeId, address, client, state),
      (error: unknown) => {
        this.options.log.debug('node did not answer', { node_id: nodeId, reason: messageOf(error) });
        void this.#missed(nodeId, address, client, messageOf(error));
      },
    );
  }

  /** Static addresses that never answered, so that a typing error in one is seen. */
  unreached(): readonly NodeSummary[] {
    return this.#nodes.filter(({ nodeId, lastError }) => nodeId === null && lastError !== null).map(({ url, misses, lastError }) => ({
      node_id: `static-${new URL(url).host.replaceAll(/[^A-Za-z0-9.-]/g, '-')}`,
      address: url,
      online: false,
      state: misses >= MISSES_MAX ? 'offline' : 'registering',
      origin: 'static',
      version: null,
      last_heartbeat_ms: null,
      consumer_connected: null,
      last_event_ms: null,
      pools: [],
      models: [],
      staging: null,
      last_error: lastError,
    }));
  }

  #refreshed(nodeId: string, address: string, client: HttpClient, state: NodeState): void {
    const again = this.#refreshing.get(nodeId) === 'asked_again';
    this.#refreshing.delete(nodeId);
    this.#refreshMisses.delete(nodeId);
    if (this.#stopped.signal.aborted) return;
    // What another node answers at this address is not what was asked for.
    if (state.node_id === nodeId) this.options.onState(address, state);
    if (again) this.refresh(nodeId, address, client);
  }

  async #missed(nodeId: string, address: string, client: HttpClient, reason: string): Promise<void> {
    const misses = (this.#refreshMisses.get(nodeId) ?? 0) + 1;
    this.#refreshMisses.set(nodeId, misses);
    if (misses < MISSES_MAX) await this.options.clock.sleep(ASK_AGAIN_MS, this.#stopped.signal).catch(() => undefined);
    this.#refreshing.delete(nodeId);
    if (this.#stopped.signal.aborted) return;
    if (misses < MISSES_MAX) return this.refresh(nodeId, address, client);
    this.#refreshMisses.delete(nodeId);
    this.options.onMissed(nodeId, `it does not answer (${reason})`);
  }

  async #poll(node: StaticNode): Promise<void> {
    const { clock, pollMs = POLL_MS, isReporting } = this.options;
    while (!this.#stopped.signal.aborted) {
      if (node.nodeId === null || !isReporting(node.nodeId)) await this.#askStatic(node);
      await clock.sleep(pollMs, this.#stopped.signal).catch(() => undefined);
    }
  }

  async #askStatic(node: StaticNode): Promise<void> {
    try {
      const state = await this.#ask(node.client, TIMEOUT_MS);
      if (this.#stopped.signal.aborted) return;
      node.nodeId = state.node_id;
      node.misses = 0;
      node.lastError = null;
      this.options.onState(node.url, state);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      node.misses += 1;
      node.lastError = `${node.url} does not answer: ${messageOf(error)}`;
      if (node.misses === 1) this.options.log.info('static node does not answer', { address: node.url, reason: messageOf(error) });
      if (node.misses >= MISSES_MAX && node.nodeId !== null) this.options.onMissed(node.nodeId, `it has not answered ${node.misses} times`);
    }
  }

  /** One question, one attempt: the next one comes soon anyway. */
  async #ask(client: HttpClient, timeoutMs: number): Promise<NodeState> {
    const { body } = await client.exchange('GET', '/v2/node', undefined, { timeoutMs, signal: this.#stopped.signal, idempotent: false });
    const checked = validate(body);
    if (!checked.ok) throw new Error(`it does not answer as a node does (${describeProblems(checked.problems.slice(0, 3))}); check that pool-managerd of this version listens there`);
    const problem = reportProblem(checked.value, { node_id: checked.value.node_id });
    if (problem !== null) throw new Error(`${problem.field} ${problem.message}`);
    return checked.value;
  }
}
