import { planGc, protectionOf, usedPercent } from '@corral/catalog-core';
import type { DiskUse, GcDeletion, GcItem, GcPlan, GcPolicy } from '@corral/catalog-core';
import type { GcTrigger } from '@corral/contracts';
import { formatBytes, messageOf } from '@corral/service-kit';
import type { Clock, Log } from '@corral/service-kit';
import type { Collectable, GcRemoval } from './collectable.js';
import type { MeasureDisk } from './measure-disk.js';

/** A plan and the disk that it was made for. */
export interface PlannedGc {
  readonly plan: GcPlan;
  readonly disk: DiskUse;
}

export interface FailedDeletion extends GcDeletion {
  readonly error: string;
}

/** What a pass did. */
export interface GcRun extends PlannedGc {
  readonly trigger: GcTrigger;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly deleted: readonly GcDeletion[];
  readonly failed: readonly FailedDeletion[];
  /** Planned to go, and in use or changed when its turn came. */
  readonly spared: readonly { readonly item: GcItem; readonly reason: string }[];
  /** As measured afterwards. */
  readonly diskAfter: DiskUse;
  readonly thresholdsMetAfter: boolean;
}

export interface GarbageCollectorOptions {
  readonly sources: readonly Collectable[];
  readonly policy: GcPolicy;
  /** The models directory. */
  readonly path: string;
  readonly measure: MeasureDisk;
  readonly clock: Clock;
  readonly log: Log;
  /** For the metrics. Must not throw. */
  readonly onRun: (outcome: 'succeeded' | 'failed', run: GcRun | null) => void;
}

/** Deletions that share the writes of the index. */
const AT_ONCE = 32;

/** The first pass after a start waits so long at most, so that what the node is to hold is known. */
const FIRST_PASS_MS = 60_000;

/**
 * Keeps the node's disk from filling: the only one that deletes by rule, one pass at a time. [D-33 D-34]
 *
 * Whoever asks for a pass while one is under way gets that one's outcome; a fetch waits its turn for one of its own.
 */
export class GarbageCollector {
  #turn: Promise<unknown> = Promise.resolve();
  #shared: Promise<GcRun> | null = null;

  constructor(private readonly options: GarbageCollectorOptions) {}

  get policy(): GcPolicy {
    return this.options.policy;
  }

  get path(): string {
    return this.options.path;
  }

  disk(): Promise<DiskUse> {
    return this.options.measure(this.options.path);
  }

  /** What a pass would do now. Changes nothing. [D-38] */
  async plan(neededBytes = 0): Promise<PlannedGc> {
    const { sources, policy, clock } = this.options;
    const disk = await this.disk();
    const items = sources.flatMap((source) => source.items());
    return { disk, plan: planGc({ items, disk, policy, nowMs: clock.nowMs(), useOf: (item) => this.#sourceOf(item).useOf(item), neededBytes }) };
  }

  /** A pass, or the outcome of the one that is under way. Rejects when the disk or the index cannot be read. */
  run(trigger: GcTrigger): Promise<GcRun> {
    this.#shared ??= this.#inTurn(() => this.#pass(trigger, 0)).finally(() => (this.#shared = null));
    return this.#shared;
  }

  /**
   * Makes room for a fetch, where the thresholds would be broken by it. Resolves when no more room can be made, with why not
   * in words where the fetch still does not fit, else with `null`. A threshold alone refuses no fetch. [D-33 D-66]
   */
  async makeRoom(neededBytes: number): Promise<string | null> {
    const { plan } = await this.plan(neededBytes);
    if (plan.deletions.length === 0 && plan.fits) return null;
    const { plan: done, diskAfter } = await this.#inTurn(() => this.#pass('fetch', neededBytes));
    return diskAfter.freeBytes >= neededBytes ? null : describeKept(done);
  }

  /** Passes at their interval until the signal aborts. Never rejects. */
  async loop(intervalMs: number, signal: AbortSignal): Promise<void> {
    if (intervalMs === 0) return;
    for (let waitMs = Math.min(intervalMs, FIRST_PASS_MS); !signal.aborted; waitMs = intervalMs) {
      await this.options.clock.sleep(waitMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.run('interval').catch(() => undefined);
    }
    await this.#turn;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #pass(trigger: GcTrigger, neededBytes: number): Promise<GcRun> {
    const { clock, log, onRun } = this.options;
    const startedAtMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    try {
      for (const source of this.options.sources) await source.finish?.();
      const planned = await this.plan(neededBytes);
      const done = await this.#deleteAll(planned.plan);
      const diskAfter = await this.disk();
      const { maxDiskUsagePercent, minFreeBytes } = this.options.policy;
      const thresholdsMetAfter = diskAfter.freeBytes - neededBytes >= minFreeBytes && usedPercent({ usedBytes: diskAfter.usedBytes + neededBytes, freeBytes: diskAfter.freeBytes - neededBytes }) <= maxDiskUsagePercent;
      const run: GcRun = { ...planned, ...done, trigger, startedAtMs, durationMs: Math.round(clock.monotonicMs() - startedMs), diskAfter, thresholdsMetAfter };
      this.#tell(run);
      onRun('succeeded', run);
      return run;
    } catch (error) {
      log.warn('garbage collection failed', { trigger, path: this.options.path, error: messageOf(error) });
      onRun('failed', null);
      throw error;
    }
  }

  async #deleteAll({ deletions }: GcPlan): Promise<Pick<GcRun, 'deleted' | 'failed' | 'spared'>> {
    const deleted: GcDeletion[] = [];
    const failed: FailedDeletion[] = [];
    const spared: { item: GcItem; reason: string }[] = [];
    for (let n = 0; n < deletions.length; n += AT_ONCE) {
      const some = deletions.slice(n, n + AT_ONCE);
      const removals = await Promise.all(some.map((deletion) => this.#sourceOf(deletion.item).remove(deletion.item, deletion.rule, (now) => this.#mayGo(now, deletion))));
      for (const [k, deletion] of some.entries()) {
        const removal = removals[k] as GcRemoval;
        if (removal.kind === 'deleted') deleted.push({ ...deletion, freedBytes: removal.freedBytes });
        else if (removal.kind === 'failed') failed.push({ ...deletion, error: removal.error });
        else spared.push({ item: deletion.item, reason: removal.reason });
      }
    }
    return { deleted, failed, spared };
  }

  /** Asked again at the last moment: what was pinned, activated or used since the plan stays. */
  #mayGo(now: GcItem, { item, rule }: GcDeletion): boolean {
    const { policy, clock } = this.options;
    if (rule === 'DeleteRetired' && now.retiredAtMs !== item.retiredAtMs) return false;
    if (rule === 'Pressure' && now.lastUsedMs !== item.lastUsedMs) return false;
    return protectionOf(now, { policy, nowMs: clock.nowMs(), useOf: () => null }) === null;
  }

  #sourceOf({ kind }: GcItem): Collectable {
    const source = this.options.sources.find((one) => one.kind === kind);
    if (source === undefined) throw new Error(`nobody collects items of kind ${kind}`);
    return source;
  }

  #tell({ trigger, deleted, failed, spared, disk, diskAfter, thresholdsMetAfter, plan, durationMs }: GcRun): void {
    const { log, path } = this.options;
    const freedBytes = deleted.reduce((sum, one) => sum + one.freedBytes, 0);
    const fields = { trigger, path, deleted: deleted.length, freed_bytes: freedBytes, spared: spared.length, used_percent_before: percent(disk), used_percent: percent(diskAfter), free_bytes: diskAfter.freeBytes, duration_ms: durationMs };
    if (deleted.length + failed.length > 0) log.info('garbage collection ended', fields);
    else log.debug('garbage collection ended', fields);
    for (const { item, rule, error } of failed) log.warn('not deleted', { kind: item.kind, id: item.id, rule, error });
    if (!thresholdsMetAfter) log.warn('disk too full: nothing more may be deleted', { ...fields, kept: describeKept(plan), next: 'retire or unpin models, move them to a larger disk with MODELS_DIR, or change gc in the configuration' });
  }
}

function percent(disk: DiskUse): number {
  return Math.round(usedPercent(disk) * 10) / 10;
}

/** Why nothing more goes: how many stay by which rule, and how many bytes those are. */
function describeKept({ kept }: GcPlan): string {
  if (kept.length === 0) return 'nothing is left that garbage collection could delete';
  const byRule = new Map<string, { count: number; bytes: number }>();
  for (const { item, rule } of kept) {
    const { count, bytes } = byRule.get(rule) ?? { count: 0, bytes: 0 };
    byRule.set(rule, { count: count + 1, bytes: bytes + item.sizeBytes });
  }
  return `garbage collection keeps ${[...byRule].map(([rule, { count, bytes }]) => `${count} by ${rule} (${formatBytes(bytes)})`).join(', ')}`;
}
