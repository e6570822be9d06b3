import type { Digest } from '@corral/catalog-core';
import type { StagingAreaOptions } from './staging-area-options.js';
import type { PendingWish, StageableModel, StagingProblem, StagingWish } from './staging-wish.js';

/** Wishes made by hand that wait at most. */
const REQUESTS_MAX = 64;

/** What should be in the staging area, who asked for it, and why what is not there is not. One wish per file. */
export class WishList {
  readonly #wishes = new Map<Digest, PendingWish>();

  constructor(private readonly options: Pick<StagingAreaOptions, 'clock' | 'settleMs' | 'log' | 'onChange'>) {}

  list(): readonly PendingWish[] {
    return [...this.#wishes.values()];
  }

  find(digest: Digest): PendingWish | undefined {
    return this.#wishes.get(digest);
  }

  /** An assignment wants it. Returns whether that is asked anew, which forgets what failed before. */
  assign(wish: StagingWish): boolean {
    const { clock, settleMs } = this.options;
    const known = this.#wishes.get(wish.digest);
    const isAnew = known === undefined || !known.isAssigned || wish.seq > known.seq;
    const askedAtMs = isAnew ? clock.nowMs() : known.askedAtMs;
    const notBeforeMs = wish.isForNextLoad ? (isAnew ? clock.monotonicMs() + settleMs : known.notBeforeMs) : clock.monotonicMs();
    const rest = isAnew ? { problem: null, failures: 0 } : { problem: known.problem, failures: known.failures };
    this.#wishes.set(wish.digest, { ...wish, ...rest, askedAtMs, notBeforeMs, isAssigned: true, isByHand: known?.isByHand ?? false });
    return isAnew;
  }

  /** No assignment wants it any longer. Returns whether nobody else does. */
  unassign(known: PendingWish): boolean {
    if (known.isByHand) {
      this.#wishes.set(known.digest, { ...known, isAssigned: false });
      return false;
    }
    return this.#wishes.delete(known.digest);
  }

  /** Whether one more file may be asked for by hand. */
  hasRoomFor(digest: Digest): boolean {
    return this.#wishes.has(digest) || this.list().filter(({ isByHand, problem }) => isByHand && problem === null).length < REQUESTS_MAX;
  }

  /** Somebody asks for it by hand: once. */
  ask(model: StageableModel, { askedAtMs, isPinned }: Pick<PendingWish, 'askedAtMs' | 'isPinned'>): void {
    this.#wishes.set(model.digest, { isAssigned: false, seq: 0, ...this.#wishes.get(model.digest), ...model, askedAtMs, notBeforeMs: this.options.clock.monotonicMs(), isPinned, isForNextLoad: false, isByHand: true, problem: null, failures: 0 });
  }

  /** Somebody removed it by hand: what assignments want of it waits until somebody asks anew. */
  remove(digest: Digest, modelId: string): void {
    const wish = this.#wishes.get(digest);
    const message = `${modelId} was removed from the staging area by hand; load or stage it again`;
    if (wish?.isAssigned === true) this.#wishes.set(digest, { ...wish, isByHand: false, problem: { kind: 'removed', message, retryAtMs: null } });
    else this.#wishes.delete(digest);
  }

  /** It is there. */
  met(digest: Digest): void {
    const wish = this.#wishes.get(digest);
    if (wish?.isAssigned === true) this.#wishes.set(digest, { ...wish, isByHand: false, problem: null, failures: 0 });
    else this.#wishes.delete(digest);
  }

  /** It cannot be there now, for this reason. */
  refuse({ digest, modelId, sizeBytes }: PendingWish, problem: StagingProblem, failures = 0): void {
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
}
