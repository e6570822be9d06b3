import type { TierBandwidth } from '@corral/contracts';
import { LoadSpeed } from '../replicas/load-speed.js';

/** Where the weights of a load come from. */
export type WeightsFrom = 'staged' | 'on_disk';

/** How fast weights come into use from each place, over what happened lately: what the control plane plans with. [C-226] */
export class TierSpeeds {
  readonly #staged = new LoadSpeed();
  readonly #onDisk = new LoadSpeed();
  readonly #network = new LoadSpeed();
  readonly #loads = new Map<string, WeightsFrom>();

  /** A load has begun; kept until it ends. */
  loading(replicaId: string, from: WeightsFrom): void {
    this.#loads.set(replicaId, from);
  }

  /** It has ended; `durationMs` is `null` when it failed. */
  loaded(replicaId: string, sizeBytes: number, durationMs: number | null): void {
    const from = this.#loads.get(replicaId);
    this.#loads.delete(replicaId);
    if (from === undefined || durationMs === null) return;
    (from === 'staged' ? this.#staged : this.#onDisk).loaded(sizeBytes, durationMs);
  }

  /** A copy from the disk to the staging area. The load that follows it counts too: the weights are not in use before. */
  copied(sizeBytes: number, durationMs: number): void {
    const { bytesPerS } = this.#staged;
    this.#onDisk.loaded(sizeBytes, durationMs + (bytesPerS === null ? 0 : (sizeBytes / bytesPerS) * 1_000));
  }

  fetched(sizeBytes: number, durationMs: number): void {
    this.#network.loaded(sizeBytes, durationMs);
  }

  bandwidth(): TierBandwidth {
    return { staged: this.#staged.bytesPerS, on_disk: this.#onDisk.bytesPerS, network: this.#network.bytesPerS };
  }
}
