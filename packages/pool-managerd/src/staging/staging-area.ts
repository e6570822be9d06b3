import { statSync } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import { planStaging } from '@corral/catalog-core';
import type { Digest, StagingPlan } from '@corral/catalog-core';
import { backoffMs, formatBytes, messageOf } from '@corral/service-kit';
import type { BackoffPolicy, Clock, Log } from '@corral/service-kit';
import type { FoundFile } from './scan-staged.js';
import { stageFile } from './stage-file.js';
import { recordPath, stagedPath } from './staged-record.js';
import { byUrgency, copyFailure, problemOfPlan } from './staging-wish.js';
import type { PendingWish, StageableModel, StagedCopy, StagingProblem, StagingWish } from './staging-wish.js';

export interface StagingAreaOptions {
  readonly dir: string;
  /** What is there already. */
  readonly found: readonly FoundFile[];
  readonly budgetBytes: number;
  /** Bytes that may still be written there; negative when the memory that must stay free is not. */
  readonly freeBytes: () => Promise<number>;
  /** What lies there beside the staged files and leaves when these need the room. */
  readonly others: { readonly usedBytes: number; yield(bytes: number): Promise<void> } | null;
  readonly retry: BackoffPolicy;
  /** From the wish of a copy for the next load to its begin. */
  readonly settleMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Called after each change; must not throw. */
  readonly onChange: () => void;
  readonly onStaged: (copied: { readonly digest: Digest; readonly sizeBytes: number; readonly durationMs: number }) => void;
  readonly onEvicted: (reason: EvictionReason) => void;
  /** The file on disk is not what it was: it is to be looked at again. */
  readonly onDoubtful: (digest: Digest) => void;
}

/** `room`: another file needed its place; `removed`: somebody asked; `lost`: its file was gone. */
export type EvictionReason = 'room' | 'removed' | 'lost';

/** The right to use a staged file: it stays until the right is given back. */
export interface StagedLease {
  readonly path: string;
  release(): void;
}

type PlanWish = Pick<PendingWish, 'digest' | 'sizeBytes' | 'askedAtMs' | 'isPinned'>;

/** A copy that is under way. */
export interface RunningCopy {
  readonly model: StageableModel;
  readonly copiedBytes: number;
}

/** Wishes made by hand that wait at most. */
const REQUESTS_MAX = 64;

/**
 * The staging area: the only writer of its folder.
 *
 * Wishes say what should be there; one copy at a time brings it, and what a plan chooses leaves for it. A file is seen
 * only when it is whole and its digest is the wanted one. [C-70 C-71 C-73 C-77]
 */
export class StagingArea {
  readonly #copies = new Map<Digest, StagedCopy>();
  readonly #wishes = new Map<Digest, PendingWish>();
  #running: { readonly copy: RunningCopy; readonly controller: AbortController } | null = null;
  #pump: Promise<void> | null = null;
  #isStale = false;
  #isClosed = false;

  constructor(private readonly options: StagingAreaOptions) {
    for (const file of options.found) this.#copies.set(file.digest, { ...file, path: stagedPath(options.dir, file.digest), leases: 0 });
  }

  get budgetBytes(): number {
    return this.options.budgetBytes;
  }

  list(): readonly StagedCopy[] {
    return [...this.#copies.values()];
  }

  wishes(): readonly PendingWish[] {
    return [...this.#wishes.values()];
  }

  running(): RunningCopy | null {
    return this.#running?.copy ?? null;
  }

  has(digest: string): boolean {
    return this.#copies.has(digest as Digest);
  }

  /** Whether a wanted file may still come, so that waiting for it makes sense. */
  isComing(digest: string): boolean {
    const wish = this.#wishes.get(digest as Digest);
    return wish !== undefined && wish.problem === null && !this.has(digest) && !this.#isClosed;
  }

  /** Whether it is being copied at this moment: who waits for that gets it sooner than from the disk. */
  isRunning(digest: string): boolean {
    return this.#running?.copy.model.digest === digest && !this.#running.controller.signal.aborted;
  }

  /** Whom the copy is for that is being made of it; `null` where none is. */
  runningFor(digest: string): 'now' | 'next_load' | null {
    if (!this.isRunning(digest)) return null;
    return this.#wishes.get(digest as Digest)?.isForNextLoad === true ? 'next_load' : 'now';
  }

  /** Why a wanted file is not there; `null` where nothing is wrong. */
  problemOf(digest: string): StagingProblem | null {
    return this.has(digest) ? null : (this.#wishes.get(digest as Digest)?.problem ?? null);
  }

  /** Replaces what the assignments want. Cheap where nothing changed. */
  want(wishes: readonly StagingWish[]): void {
    if (this.#isClosed) return;
    const wanted = new Set(wishes.map(({ digest }) => digest));
    for (const known of this.wishes()) if (known.isAssigned && !wanted.has(known.digest)) this.#unwant(known);
    for (const wish of wishes) this.#assign(wish);
    this.#fill();
  }

  /** Stages a model once, for whoever asks by hand. Resolves with why not when it cannot be now. [C-71] */
  async request(model: StageableModel): Promise<'staged' | 'staging' | StagingProblem | 'too_many'> {
    const { clock } = this.options;
    if (this.#touch(model.digest)) return 'staged';
    const known = this.#wishes.get(model.digest);
    if (known === undefined && this.wishes().filter(({ isByHand, problem }) => isByHand && problem === null).length >= REQUESTS_MAX) return 'too_many';
    const askedAtMs = clock.nowMs();
    const isPinned = known?.isPinned ?? false;
    const problem = problemOfPlan(await this.#plan({ ...model, askedAtMs, isPinned }), model, clock.monotonicMs());
    if (problem !== null) return problem;
    this.#wishes.set(model.digest, { isAssigned: false, seq: 0, ...this.#wishes.get(model.digest), ...model, askedAtMs, notBeforeMs: clock.monotonicMs(), isPinned, isForNextLoad: false, isByHand: true, problem: null, failures: 0 });
    this.#fill();
    return 'staging';
  }

  /** Drops a file, or calls its copy off. Assignments that want it bring it back only when somebody asks anew. */
  async remove(digest: Digest): Promise<'removed' | 'leased' | 'unknown'> {
    const copy = this.#copies.get(digest);
    const wish = this.#wishes.get(digest);
    if ((copy?.leases ?? 0) > 0) return 'leased';
    if (copy === undefined && (wish === undefined || wish.problem?.kind === 'removed')) return 'unknown';
    const message = `${copy?.modelId ?? wish?.modelId ?? digest} was removed from the staging area by hand; load or stage it again`;
    if (wish?.isAssigned === true) this.#wishes.set(digest, { ...wish, isByHand: false, problem: { kind: 'removed', message, retryAtMs: null } });
    else this.#wishes.delete(digest);
    if (this.#running?.copy.model.digest === digest) this.#running.controller.abort(new Error('somebody removed it'));
    if (copy !== undefined) await this.#evict(copy, 'removed');
    this.#fill();
    return 'removed';
  }

  /** The file for a load, held until the lease is released; `null` where it is not staged. [C-72] */
  lease(digest: string): StagedLease | null {
    const copy = this.#copies.get(digest as Digest);
    if (copy === undefined || this.#isClosed) return null;
    if (!isThere(copy)) {
      void this.#evict(copy, 'lost');
      return null;
    }
    this.#put({ ...copy, leases: copy.leases + 1, lastUsedMs: this.options.clock.nowMs() });
    let isHeld = true;
    const release = (): void => {
      const held = this.#copies.get(copy.digest);
      if (!isHeld || held === undefined) return;
      isHeld = false;
      this.#put({ ...held, leases: held.leases - 1, lastUsedMs: this.options.clock.nowMs() });
      this.#fill();
    };
    return { path: copy.path, release };
  }

  /** The next time at which something is tried again, monotonic; `null` when nothing is. */
  wakeAtMs(): number | null {
    const nowMs = this.options.clock.monotonicMs();
    const settling = (notBeforeMs: number): readonly number[] => (notBeforeMs > nowMs ? [notBeforeMs] : []);
    const times = this.wishes().flatMap(({ digest, problem, notBeforeMs }) => (this.has(digest) ? [] : (problem?.retryAtMs ?? settling(notBeforeMs))));
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Calls off what is under way and waits until it has ended. What is staged stays. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#running?.controller.abort(new Error('the daemon stops'));
    await this.#pump;
  }

  #assign(wish: StagingWish): void {
    const { clock, settleMs } = this.options;
    const known = this.#wishes.get(wish.digest);
    const isAnew = known === undefined || !known.isAssigned || wish.seq > known.seq;
    const askedAtMs = isAnew ? clock.nowMs() : known.askedAtMs;
    const notBeforeMs = wish.isForNextLoad ? (isAnew ? clock.monotonicMs() + settleMs : known.notBeforeMs) : clock.monotonicMs();
    const rest = isAnew ? { problem: null, failures: 0 } : { problem: known.problem, failures: known.failures };
    this.#wishes.set(wish.digest, { ...wish, ...rest, askedAtMs, notBeforeMs, isAssigned: true, isByHand: known?.isByHand ?? false });
    if (isAnew) this.#touch(wish.digest);
  }

  #unwant(known: PendingWish): void {
    if (known.isByHand) return void this.#wishes.set(known.digest, { ...known, isAssigned: false });
    this.#wishes.delete(known.digest);
    if (this.#running?.copy.model.digest === known.digest) this.#running.controller.abort(new Error('no assignment wants it any longer'));
  }

  /** Joins calls: one round of copies at a time looks at everything. */
  #fill(): void {
    this.#isStale = true;
    this.#pump ??= this.#run().finally(() => (this.#pump = null));
  }

  async #run(): Promise<void> {
    while (this.#isStale && !this.#isClosed) {
      this.#isStale = false;
      const next = await this.#next();
      if (next === null) continue;
      this.#isStale = true;
      if (await this.#makeRoom(next.evict)) await this.#copy(next.wish);
    }
  }

  /** Whether all that was to leave has left: a load may have taken one of them since the plan was made. */
  async #makeRoom(evict: readonly Digest[]): Promise<boolean> {
    for (const digest of evict) {
      const copy = this.#copies.get(digest);
      if (copy !== undefined && copy.leases > 0) return false;
      await this.#evict(copy, 'room');
    }
    return !this.#isClosed;
  }

  /** The first wish that can be met now; the others are told why not. */
  async #next(): Promise<{ readonly wish: PendingWish; readonly evict: readonly Digest[] } | null> {
    const nowMs = this.options.clock.monotonicMs();
    const due = ({ digest, problem, notBeforeMs }: PendingWish) => !this.has(digest) && (problem === null ? nowMs >= notBeforeMs : problem.retryAtMs !== null && nowMs >= problem.retryAtMs);
    for (const wish of this.wishes().filter(due).toSorted(byUrgency)) {
      const plan = await this.#plan(wish);
      const problem = problemOfPlan(plan, wish, nowMs);
      if (problem !== null) this.#refuse(wish, problem);
      else if (this.#wishes.get(wish.digest) !== undefined && plan.kind === 'stage') return { wish, evict: plan.evict };
    }
    return null;
  }

  async #plan(model: PlanWish): Promise<StagingPlan> {
    const { others } = this.options;
    const plan = await this.#planBeside(others?.usedBytes ?? 0, model);
    if (plan.kind !== 'no_room' || others === null || others.usedBytes === 0) return plan;
    await others.yield(plan.missingBytes);
    return await this.#planBeside(others.usedBytes, model);
  }

  async #planBeside(usedBytes: number, { digest, sizeBytes, askedAtMs, isPinned }: PlanWish): Promise<StagingPlan> {
    const freeBytes = await this.options.freeBytes();
    const staged = this.list().map((copy) => {
      const wish = this.#wishes.get(copy.digest);
      return { ...copy, isPinned: wish?.isPinned === true, isWanted: wish?.isAssigned === true };
    });
    const comingBytes = this.#running === null || this.#running.copy.model.digest === digest ? 0 : this.#running.copy.model.sizeBytes - this.#running.copy.copiedBytes;
    const otherBytes = this.#running === null || comingBytes === 0 ? 0 : this.#running.copy.model.sizeBytes;
    // What is pinned comes before everything that is not.
    return planStaging({ digest, sizeBytes, askedAtMs: isPinned ? Infinity : askedAtMs, staged, budgetBytes: this.options.budgetBytes, otherBytes: otherBytes + usedBytes, freeBytes: freeBytes - comingBytes });
  }

  async #copy(wish: PendingWish): Promise<void> {
    const { clock, dir, log } = this.options;
    const { digest, modelId } = wish;
    const controller = new AbortController();
    const show = (copiedBytes: number): void => {
      if (controller.signal.aborted) return;
      this.#running = { copy: { model: wish, copiedBytes }, controller };
      this.options.onChange();
    };
    const startedMs = clock.monotonicMs();
    this.#running = { copy: { model: wish, copiedBytes: 0 }, controller };
    try {
      await stageFile(wish, dir, { signal: controller.signal, onProgress: show });
      this.#arrived(wish, clock.monotonicMs() - startedMs);
      // Called off in the moment in which it was done.
      if (controller.signal.aborted) await this.#evict(this.#copies.get(digest), 'removed');
    } catch (error) {
      if (controller.signal.aborted) log.info('staging called off', { model_id: modelId, digest, cause: messageOf(controller.signal.reason) });
      else this.#failed(wish, error);
    } finally {
      this.#running = null;
      this.options.onChange();
    }
  }

  #arrived({ digest, modelId, sizeBytes, askedAtMs }: PendingWish, durationMs: number): void {
    const wish = this.#wishes.get(digest);
    this.#copies.set(digest, { digest, modelId, sizeBytes, path: stagedPath(this.options.dir, digest), leases: 0, lastUsedMs: wish?.askedAtMs ?? askedAtMs });
    if (wish?.isAssigned === true) this.#wishes.set(digest, { ...wish, isByHand: false, problem: null, failures: 0 });
    else this.#wishes.delete(digest);
    this.options.onStaged({ digest, sizeBytes, durationMs });
    this.options.log.info('model staged', { model_id: modelId, digest, size_bytes: sizeBytes, duration_ms: Math.round(durationMs) });
  }

  #failed(wish: PendingWish, error: unknown): void {
    const { clock, random, retry } = this.options;
    const failures = (this.#wishes.get(wish.digest)?.failures ?? 0) + 1;
    const retryAtMs = clock.monotonicMs() + Math.round(backoffMs(failures, retry) * (0.9 + random() * 0.2));
    const message = copyFailure(error, wish);
    this.#refuse(wish, { kind: 'copy_failed', message, retryAtMs }, failures);
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') this.options.onDoubtful(wish.digest);
  }

  #refuse({ digest, modelId, sizeBytes }: PendingWish, problem: StagingProblem, failures = 0): void {
    const wish = this.#wishes.get(digest);
    if (wish === undefined) return;
    if (wish.problem?.message !== problem.message) {
      this.options.log.warn('model not staged', { model_id: modelId, digest, size_bytes: sizeBytes, last_error: problem.message });
    }
    // What was asked for by hand is tried once: whoever asked sees why it failed, and asks again.
    const retryAtMs = wish.isAssigned ? problem.retryAtMs : null;
    this.#wishes.set(digest, { ...wish, problem: { ...problem, retryAtMs }, failures });
    this.options.onChange();
  }

  async #evict(copy: StagedCopy | undefined, reason: EvictionReason): Promise<void> {
    if (copy === undefined || !this.#copies.delete(copy.digest)) return;
    const { dir, log, onEvicted, onChange } = this.options;
    onEvicted(reason);
    log.info('model left the staging area', { model_id: copy.modelId, digest: copy.digest, cause: reason, freed: formatBytes(copy.sizeBytes) });
    // The weights first: a record without weights is nothing, weights without a record would be RAM that nobody counts.
    for (const path of [copy.path, recordPath(dir, copy.digest)]) {
      await rm(path, { force: true }).catch((error: unknown) => log.warn('staged file not removed', { path, error: messageOf(error) }));
    }
    onChange();
  }

  #touch(digest: Digest): boolean {
    const copy = this.#copies.get(digest);
    if (copy === undefined) return false;
    this.#put({ ...copy, lastUsedMs: this.options.clock.nowMs() });
    return true;
  }

  #put(copy: StagedCopy): void {
    this.#copies.set(copy.digest, copy);
    const usedAt = new Date(copy.lastUsedMs);
    // So that a restart knows the order; without it, it only evicts in another one.
    void utimes(recordPath(this.options.dir, copy.digest), usedAt, usedAt).catch(() => undefined);
    this.options.onChange();
  }
}

function isThere({ path, sizeBytes }: StagedCopy): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size === sizeBytes;
}
