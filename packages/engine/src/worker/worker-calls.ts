import { ApiError } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import { EngineError } from '../engine-error.js';
import type { ParkedInfo, ReplicaInfo, SavedPrefixes } from '../port.js';
import { ownBytes } from './own-memory.js';
import type { Slots } from './slots.js';
import type { TextModel } from './text-model.js';

export interface WorkerCallsParts {
  readonly model: TextModel;
  readonly slots: Slots;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

type State = { readonly is: 'serving' | 'parking' | 'resuming' } | { readonly is: 'parked'; readonly info: ParkedInfo };

/** What the owner of a worker asks of it beside generations. One call after the other. */
export class WorkerCalls {
  #state: State = { is: 'serving' };
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: WorkerCallsParts) {}

  get isParked(): boolean {
    return this.#state.is === 'parked';
  }

  /** Throws where a generation cannot begin. */
  assertServing(): void {
    if (this.#state.is !== 'serving') throw new ApiError('INSTANCE_NOT_LOADED', 'the replica is parked and answers nobody until it is resumed; try again');
  }

  /** As `EngineReplica.park`. A failure leaves the engine in doubt, unless it is an EngineError. */
  park(): Promise<ParkedInfo> {
    return this.#next(async () => {
      const { model, slots, clock } = this.parts;
      if (this.#state.is === 'parked') return this.#state.info;
      if (slots.active > 0 || slots.waiting > 0) throw new EngineError('busy', `${slots.active} requests run and ${slots.waiting} wait; drain the replica first`);
      this.#state = { is: 'parking' };
      const begunMs = clock.monotonicMs();
      const mappedBytes = await model.park();
      const info: ParkedInfo = { memory: { mappedBytes, ownBytes: ownBytes(mappedBytes) }, parkMs: Math.round(clock.monotonicMs() - begunMs) };
      this.#state = { is: 'parked', info };
      return info;
    });
  }

  /** As `EngineReplica.resume`. */
  resume(): Promise<ReplicaInfo> {
    return this.#next(async () => {
      const before = this.#state;
      if (before.is !== 'parked') return this.parts.model.info;
      this.#state = { is: 'resuming' };
      try {
        const info = await this.parts.model.resume();
        this.#state = { is: 'serving' };
        return info;
      } catch (error) {
        this.#state = before;
        throw error;
      }
    });
  }

  /** As `EngineReplica.savePrefixes`: of the slots that are idle now. */
  savePrefixes(maxBytes: number, isStopped: () => boolean): Promise<SavedPrefixes> {
    return this.#next(async () => {
      const leases = this.#state.is === 'serving' ? this.parts.slots.takeIdle() : [];
      try {
        return await this.parts.model.savePrefixes({ slots: leases.map(({ slot }) => slot), maxBytes, isStopped });
      } finally {
        for (const lease of leases) lease.release();
      }
    });
  }

  #next<T>(call: () => Promise<T>): Promise<T> {
    const next = this.#last.then(call);
    this.#last = next.catch(() => undefined);
    return next;
  }
}
