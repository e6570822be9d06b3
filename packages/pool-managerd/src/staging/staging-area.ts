import { planStaging } from '@corral/catalog-core';
import type { Digest, StagingPlan } from '@corral/catalog-core';
import { backoffMs, messageOf } from '@corral/service-kit';
import { stageFile } from './stage-file.js';
import { StagedCopies } from './staged-copies.js';
import type { StagedLease } from './staged-copies.js';
import type { StagingAreaOptions } from './staging-area-options.js';
import { byUrgency, copyFailure, problemOfPlan } from './staging-wish.js';
import type { PendingWish, StageableModel, StagedCopy, StagingProblem, StagingWish } from './staging-wish.js';
import { WishList } from './wish-list.js';

type PlanWish = Pick<PendingWish, 'digest' | 'sizeBytes' | 'askedAtMs' | 'isPinned'>;

/** A copy that is under way. */
export interface RunningCopy {
  readonly model: StageableModel;
  readonly copiedBytes: number;
}

/**
 * The staging area: the only writer of its folder.
 *
 * Wishes say what should be there; one copy at a time brings it, and what a plan chooses leaves for it. A file is seen
 * only when it is whole and its digest is the wanted one. [C-70 C-71 C-73 C-77]
 */
export class StagingArea {
  readonly #copies: StagedCopies;
  readonly #wishes: WishList;
  #running: { readonly copy: RunningCopy; readonly controller: AbortController } | null = null;
  #pump: Promise<void> | null = null;
  #isStale = false;
  #isClosed = false;

  constructor(private readonly options: StagingAreaOptions) {
    this.#copies = new StagedCopies(options);
    this.#wishes = new WishList(options);
  }

  get budgetBytes(): number {
    return this.options.budgetBytes;
  }

  list(): readonly StagedCopy[] {
    return this.#copies.list();
  }

  wishes(): readonly PendingWish[] {
    return this.#wishes.list();
  }

  running(): RunningCopy | null {
    return this.#running?.copy ?? null;
  }

  has(digest: string): boolean {
    return this.#copies.find(digest as Digest) !== undefined;
  }

  /** Whether a wanted file may still come, so that waiting for it makes sense. */
  isComing(digest: string): boolean {
    const wish = this.#wishes.find(digest as Digest);
    return wish !== undefined && wish.problem === null && !this.has(digest) && !this.#isClosed;
  }

  /** Whether it is being copied at this moment: who waits for that gets it sooner than from the disk. */
  isRunning(digest: string): boolean {
    return this.#running?.copy.model.digest === digest && !this.#running.controller.signal.aborted;
  }

  /** Whom the copy is for that is being made of it; `null` where none is. */
  runningFor(digest: string): 'now' | 'next_load' | null {
    if (!this.isRunning(digest)) return null;
    return this.#wishes.find(digest as Digest)?.isForNextLoad === true ? 'next_load' : 'now';
  }

  /** Why a wanted file is not there; `null` where nothing is wrong. */
  problemOf(digest: string): StagingProblem | null {
    return this.has(digest) ? null : (this.#wishes.find(digest as Digest)?.problem ?? null);
  }

  /** Replaces what the assignments want. Cheap where nothing changed. */
  want(wishes: readonly StagingWish[]): void {
    if (this.#isClosed) return;
    const wanted = new Set(wishes.map(({ digest }) => digest));
    for (const known of this.wishes()) {
      if (known.isAssigned && !wanted.has(known.digest) && this.#wishes.unassign(known)) this.#callOff(known.digest, 'no assignment wants it any longer');
    }
    for (const wish of wishes) if (this.#wishes.assign(wish)) this.#copies.touch(wish.digest);
    this.#fill();
  }

  /** Stages a model once, for whoever asks by hand. Resolves with why not when it cannot be now. [C-71] */
  async request(model: StageableModel): Promise<'staged' | 'staging' | StagingProblem | 'too_many'> {
    const { clock } = this.options;
    if (this.#copies.touch(model.digest)) return 'staged';
    if (!this.#wishes.hasRoomFor(model.digest)) return 'too_many';
    const asked = { askedAtMs: clock.nowMs(), isPinned: this.#wishes.find(model.digest)?.isPinned ?? false };
    const problem = problemOfPlan(await this.#plan({ ...model, ...asked }), model, clock.monotonicMs());
    if (problem !== null) return problem;
    this.#wishes.ask(model, asked);
    this.#fill();
    return 'staging';
  }

  /** Drops a file, or calls its copy off. Assignments that want it bring it back only when somebody asks anew. */
  async remove(digest: Digest): Promise<'removed' | 'leased' | 'unknown'> {
    const copy = this.#copies.find(digest);
    const wish = this.#wishes.find(digest);
    if ((copy?.leases ?? 0) > 0) return 'leased';
    if (copy === undefined && (wish === undefined || wish.problem?.kind === 'removed')) return 'unknown';
    this.#wishes.remove(digest, copy?.modelId ?? wish?.modelId ?? digest);
    this.#callOff(digest, 'somebody removed it');
    if (copy !== undefined) await this.#copies.evict(copy, 'removed');
    this.#fill();
    return 'removed';
  }

  /** The file for a load, held until the lease is released; `null` where it is not staged. [C-72] */
  lease(digest: string): StagedLease | null {
    return this.#isClosed ? null : this.#copies.lease(digest as Digest, () => this.#fill());
  }

  /** The next time at which something is tried again, monotonic; `null` when nothing is. */
  wakeAtMs(): number | null {
    const nowMs = this.options.clock.monotonicMs();
    // One whose time came after the last look is still to be looked at; the end of a running copy is a look of its own.
    const settling = (notBeforeMs: number): readonly number[] => (notBeforeMs > nowMs || this.#running === null ? [notBeforeMs] : []);
    const times = this.wishes().flatMap(({ digest, problem, notBeforeMs }) => (this.has(digest) ? [] : problem === null ? settling(notBeforeMs) : (problem.retryAtMs ?? [])));
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Calls off what is under way and waits until it has ended. What is staged stays. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#running?.controller.abort(new Error('the daemon stops'));
    await this.#pump;
  }

  #callOff(digest: Digest, cause: string): void {
    if (this.#running?.copy.model.digest === digest) this.#running.controller.abort(new Error(cause));
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
      const copy = this.#copies.find(digest);
      if (copy !== undefined && copy.leases > 0) return false;
      await this.#copies.evict(copy, 'room');
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
      if (problem !== null) this.#wishes.refuse(wish, problem);
      else if (this.#wishes.find(wish.digest) !== undefined && plan.kind === 'stage') return { wish, evict: plan.evict };
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
      const wish = this.#wishes.find(copy.digest);
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
      if (controller.signal.aborted) await this.#copies.evict(this.#copies.find(digest), 'removed');
    } catch (error) {
      if (controller.signal.aborted) log.info('staging called off', { model_id: modelId, digest, cause: messageOf(controller.signal.reason) });
      else this.#failed(wish, error);
    } finally {
      this.#running = null;
      this.options.onChange();
    }
  }

  #arrived({ digest, modelId, sizeBytes, askedAtMs }: PendingWish, durationMs: number): void {
    this.#copies.arrived({ digest, modelId, sizeBytes, lastUsedMs: this.#wishes.find(digest)?.askedAtMs ?? askedAtMs });
    this.#wishes.met(digest);
    this.options.onStaged({ digest, sizeBytes, durationMs });
    this.options.log.info('model staged', { model_id: modelId, digest, size_bytes: sizeBytes, duration_ms: Math.round(durationMs) });
  }

  #failed(wish: PendingWish, error: unknown): void {
    const { clock, random, retry, onDoubtful } = this.options;
    const failures = (this.#wishes.find(wish.digest)?.failures ?? 0) + 1;
    const retryAtMs = clock.monotonicMs() + Math.round(backoffMs(failures, retry) * (0.9 + random() * 0.2));
    this.#wishes.refuse(wish, { kind: 'copy_failed', message: copyFailure(error, wish), retryAtMs }, failures);
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') onDoubtful(wish.digest);
  }
}
