import type { Digest } from './digest.js';
import type { ModelFacts } from './model-facts.js';

/** Active models may be loaded; retired ones are kept and refused. There is no third state. [D-09] */
export type Lifecycle = 'Active' | 'Retired';

/** `pass`: the digest was given and is equal; `warn`: none was given; `fail`: it differs or the file cannot be read. [D-10] */
export interface Verification {
  readonly result: 'pass' | 'warn' | 'fail';
  readonly reason: string;
}

/** What deletes a model: a garbage collection, for its age or for room, or an operator. [D-35] */
export type RemovalRule = 'DeleteRetired' | 'Pressure' | 'Purge';

export const REMOVAL_RULES: readonly RemovalRule[] = ['DeleteRetired', 'Pressure', 'Purge'];

/** One model that is on this node's disk. What is loaded is not its business. [D-02 D-03] */
export interface CatalogEntry {
  /** The name by which it is asked for. */
  readonly id: string;
  /** The references it is known by, canonical; the first is the one its bytes came from. */
  readonly refs: readonly string[];
  /** The digest of the bytes, measured on this node, whether or not one was expected. */
  readonly digest: Digest;
  /** Absolute path of the file. */
  readonly localPath: string;
  /** The file lies outside the models directory: it is used in place, never moved or deleted. */
  readonly external: boolean;
  readonly sizeBytes: number;
  /** Modification time of the file when it was last verified; another one means: verify again. */
  readonly modifiedMs: number;
  readonly lifecycle: Lifecycle;
  readonly verification: Verification;
  /** The digest was given with the model, and not only measured here: what an equal one proves. [D-10] */
  readonly digestGiven: boolean;
  readonly lastVerifiedMs: number;
  readonly createdMs: number;
  /** `null` when it was never used. */
  readonly lastUsedMs: number | null;
  /** `null` while it is active. */
  readonly retiredAtMs: number | null;
  readonly pinned: boolean;
  readonly tags: readonly string[];
  /** `null` until the engine has read the file. */
  readonly facts: ModelFacts | null;
  /** The engine version that the facts were read with; `null` together with them. */
  readonly factsKey: string | null;
  /** What deletes it: its removal has begun, and is ended by the next opening if not before; the store shows it to nobody. [D-35] */
  readonly removing?: RemovalRule;
}
