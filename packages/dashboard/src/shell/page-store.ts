import type { AdminHealth, CallerInfo, Instance, NodeSummary, PoolStats, PoolStatus } from '@corral/contracts';
import type { ApiResult } from '../api/api-client.js';
import type { CorralApi, InstanceName } from '../api/corral-api.js';
import type { SessionKey } from '../api/session-key.js';
import { counterReading, withReading, type CounterReading } from '../charts/throughput.js';
import { Deeds } from '../poll/deeds.js';
import { Poll, type PollClock } from '../poll/poll.js';
import type { Reading } from '../poll/reading.js';

export interface PageStoreParts {
  readonly api: CorralApi;
  readonly key: SessionKey;
  readonly clock: PollClock;
}

/** Something that is asked while a page is open. */
export interface Watched<T> {
  readonly reading: Reading<T>;
  end(): void;
}

/** How often each thing is asked, in milliseconds, while the page is visible. The stats have the interval that is promised of them. [B-120] */
export const EVERY_MS = { stats: 30_000, pools: 2_000, nodes: 5_000, instances: 2_000, health: 10_000, events: 5_000, metrics: 2_000, models: 5_000, model: 2_000, operations: 1_000, manifest: 2_000, engines: 10_000 } as const;

/** Everything that the pages show, and its one owner: views read it and ask it to act. */
export class PageStore {
  readonly deeds: Deeds;
  readonly stats: Poll<PoolStats>;
  readonly pools: Poll<readonly PoolStatus[]>;
  readonly nodes: Poll<readonly NodeSummary[]>;
  readonly instances: Poll<readonly Instance[]>;
  readonly health: Poll<AdminHealth>;
  private readonly watched = new Set<Pick<Poll<unknown>, 'start' | 'stop' | 'clear' | 'askNow'>>();
  private readonly metrics: Poll<string>;
  private isSeen = false;
  private whereLast: string | null = null;
  private caller: CallerInfo | null = null;
  private counters: readonly CounterReading[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(private readonly parts: PageStoreParts) {
    const { api, clock } = parts;
    const tell = (): void => this.tell();
    this.deeds = new Deeds(tell);
    this.stats = new Poll({ everyMs: EVERY_MS.stats, clock, ask: () => api.stats(), onChange: tell });
    this.pools = new Poll({ everyMs: EVERY_MS.pools, clock, ask: () => api.pools(), onChange: tell });
    this.nodes = new Poll({ everyMs: EVERY_MS.nodes, clock, ask: () => api.nodes(), onChange: tell });
    this.instances = new Poll({ everyMs: EVERY_MS.instances, clock, ask: () => this.askInstances(), onChange: (reading) => this.listed(reading) });
    this.health = new Poll({ everyMs: EVERY_MS.health, clock, ask: () => api.health(), onChange: tell });
    this.metrics = new Poll({ everyMs: EVERY_MS.metrics, clock, ask: () => api.metrics(), onChange: (reading) => this.counted(reading) });
  }

  /** null until the server has said whom it takes the caller for. */
  get ownOrg(): string | null {
    return this.caller?.org_id ?? null;
  }

  get throughput(): readonly CounterReading[] {
    return this.counters;
  }

  /** Tasks that wait for a pool; null before the first look. */
  waitingIn(poolId: string): number | null {
    const last = this.counters.at(-1);
    return last === undefined ? null : (last.queuedByPool[poolId] ?? 0);
  }

  /** Returns the end of the subscription. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  nowMs(): number {
    return this.parts.clock.nowMs();
  }

  start(): void {
    this.isSeen = true;
    this.everyPoll((poll) => poll.start());
  }

  /** A page that nobody sees asks nothing, from its first moment on: links are opened in tabs behind. [U-15] */
  pause(): void {
    this.isSeen = false;
    this.everyPoll((poll) => poll.stop());
  }

  get hasKey(): boolean {
    return this.parts.key.current() !== null;
  }

  keepKey(key: string): void {
    this.parts.key.keep(key);
    this.begin();
  }

  forgetKey(): void {
    this.parts.key.forget();
    this.begin();
  }

  /** Asks one thing for as long as a page shows it, and like all others only while the tab is seen. */
  watch<T>(everyMs: number, ask: (api: CorralApi) => Promise<ApiResult<T>>): Watched<T> {
    const poll = new Poll<T>({ everyMs, clock: this.parts.clock, ask: () => ask(this.parts.api), onChange: () => this.tell() });
    this.watched.add(poll);
    if (this.isSeen) poll.start();
    return {
      get reading() {
        return poll.reading;
      },
      end: () => {
        poll.stop();
        this.watched.delete(poll);
      },
    };
  }

  async load(name: InstanceName): Promise<void> {
    await this.act(`load ${subjectOf(name)}`, (api) => api.load(name));
  }

  async unload(name: InstanceName): Promise<void> {
    await this.act(`unload ${subjectOf(name)}`, (api) => api.unload(name));
  }

  async resetPool(poolId: string): Promise<void> {
    await this.act(`reset ${poolId}`, (api) => api.resetPool(poolId));
  }

  /**
   * Does what a button asks for, once at a time. What was done shows in every number, so that all are asked anew; so does what somebody
   * else did, where that is why nothing was. Returns whether the server accepted it.
   */
  async act(subject: string, ask: (api: CorralApi) => Promise<ApiResult<unknown>>): Promise<boolean> {
    const isAccepted = await this.deeds.do(subject, () => ask(this.parts.api));
    if (isAccepted || this.deeds.isConflict(subject)) this.everyPoll((poll) => poll.askNow());
    return isAccepted;
  }

  /** Another caller may see other things: nothing of the last one stays. */
  private begin(): void {
    this.counters = [];
    this.caller = null;
    this.everyPoll((poll) => poll.clear());
    if (this.isSeen) this.start();
  }

  /** Of the caller's organisation, which the server knows. */
  private async askInstances(): Promise<ApiResult<readonly Instance[]>> {
    const { api, key } = this.parts;
    const asker = key.current();
    const asked: ApiResult<CallerInfo> = this.caller === null ? await api.caller() : { ok: true, value: this.caller };
    if (!asked.ok) return asked;
    // Whoever was told may have been asked to leave meanwhile.
    if (key.current() === asker) this.caller = asked.value;
    return api.instances(asked.value.org_id);
  }

  /** Totals that are asked every half minute would contradict the table for as long. */
  private listed({ value }: Reading<readonly Instance[]>): void {
    const where = value === null ? null : value.map(({ org_id, instance_id, residency }) => `${org_id}/${instance_id} ${residency}`).join('\n');
    const isNews = where !== null && this.whereLast !== null && where !== this.whereLast;
    this.whereLast = where;
    if (isNews) {
      this.stats.askNow();
      this.health.askNow();
      for (const poll of this.watched) poll.askNow();
    }
    this.tell();
  }

  private counted(reading: Reading<string>): void {
    if (reading.failure === null && reading.value !== null && reading.atMs !== null) {
      this.counters = withReading(this.counters, counterReading(reading.value, reading.atMs));
    }
    this.tell();
  }

  private everyPoll(act: (poll: Pick<Poll<unknown>, 'start' | 'stop' | 'clear' | 'askNow'>) => void): void {
    for (const poll of [this.pools, this.nodes, this.stats, this.instances, this.health, this.metrics, ...this.watched]) act(poll);
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

function subjectOf({ org_id: org, instance_id: instance }: InstanceName): string {
  return `${org}/${instance}`;
}
