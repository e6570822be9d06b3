import type { EngineEntry } from '@corral/catalog-core';
import type { EngineStore } from '@corral/catalog-core/fs';
import { attachExternalEngine } from '@corral/engine';
import type { EngineProvider } from '@corral/engine';
import type { Clock, Log } from '@corral/service-kit';
import type { PlannedPool } from '../devices/planned-pool.js';
import type { WantedReplica } from '../replicas/plan-replicas.js';
import { attachedPool, attachedPoolId, attachedReplica, isExternal } from './attached-pool.js';
import type { ExternalEntry, ServerState } from './attached-pool.js';
import { watchServer } from './server-watch.js';
import type { WatchLimits } from './server-watch.js';

export interface ExternalEnginesOptions {
  readonly nodeId: string;
  readonly store: Pick<EngineStore, 'get' | 'list'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: WatchLimits;
  /** Its pools, or what they are to hold, may have changed. */
  onChange(): void;
  /** The server of a pool is back: what failed while it was away counts no longer. */
  onBack(poolId: string): void;
}

interface Watched {
  readonly url: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  state: ServerState;
  provider: EngineProvider | null;
}

/** The servers that this node is attached to: whether each of them answers, and what its pool is to hold. [D-82 D-83] */
export class ExternalEngines {
  readonly #watched = new Map<string, Watched>();
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(private readonly options: ExternalEnginesOptions) {}

  /** Watches the servers of the entries that there are now, and no others. */
  follow(): void {
    if (this.#isClosed) return;
    const entries = this.#entries();
    for (const [id, watched] of this.#watched) if (!entries.some((entry) => entry.id === id && entry.location === watched.url)) this.#end(id, watched);
    for (const entry of entries) if (!this.#watched.has(entry.id)) this.#watch(entry);
    this.options.onChange();
  }

  pools(): readonly PlannedPool[] {
    return this.#entries().map((entry) => attachedPool(this.options.nodeId, entry, this.#stateOf(entry)));
  }

  wanted(): readonly WantedReplica[] {
    return this.#entries().flatMap((entry) => attachedReplica(this.options.nodeId, entry, this.#stateOf(entry)) ?? []);
  }

  /** What starts the replica before a server; `null` for what is no server, or one that is away. */
  providerOf(engineId: string | null): EngineProvider | null {
    return engineId === null ? null : (this.#watched.get(engineId)?.provider ?? null);
  }

  /** Ends every watch; none is left when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [id, watched] of this.#watched) this.#end(id, watched);
    await Promise.all(this.#ending);
  }

  #entries(): readonly ExternalEntry[] {
    return this.options.store.list().filter(isExternal);
  }

  #stateOf({ id }: EngineEntry): ServerState {
    return this.#watched.get(id)?.state ?? { state: 'unknown' };
  }

  #watch({ id, location: url }: ExternalEntry): void {
    const { clock, limits } = this.options;
    const stop = new AbortController();
    const ended = watchServer({ url, clock, limits, onChange: (state) => void this.#seen(id, state) }, stop.signal);
    this.#watched.set(id, { url, stop, ended, state: { state: 'unknown' }, provider: null });
  }

  async #seen(id: string, state: ServerState): Promise<void> {
    const { env, clock, log, nodeId, onChange, onBack } = this.options;
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    const provider = state.state === 'up' ? await attachExternalEngine({ url: watched.url, env, clock, facts: state.facts }) : watched.provider;
    const wasDown = watched.state.state !== 'up';
    watched.state = state;
    watched.provider = provider;
    const pool_id = attachedPoolId(nodeId, id);
    if (state.state === 'down') log.warn('external engine is away', { engine_id: id, pool_id, last_error: state.reason });
    else log.info('external engine answers', { engine_id: id, pool_id });
    if (state.state === 'up' && wasDown) onBack(pool_id);
    onChange();
  }

  #end(id: string, { stop, ended }: Watched): void {
    this.#watched.delete(id);
    stop.abort(new Error('the server is watched no longer'));
    const done = ended.finally(() => this.#ending.delete(done));
    this.#ending.add(done);
  }
}
