import type { ModelOrigin, ModelRegister, ModelSpec, ModelState, TrustPolicy, Verification } from '@corral/contracts';

/** What its publisher says of a model, and what it had to be. Kept as it came. [B-91] */
export interface ModelTrust {
  readonly policy: TrustPolicy | null;
  readonly signatures: NonNullable<ModelRegister['signatures']>;
  readonly sbom: string | null;
  readonly manifests: readonly string[];
  readonly warnings: readonly string[];
}

export const NO_TRUST: ModelTrust = { policy: null, signatures: [], sbom: null, manifests: [], warnings: [] };

/** What is meant for one model, as the store keeps it. Times are Unix milliseconds. [G-19] */
export interface ModelIntent {
  readonly modelId: string;
  /** Who made this definition. */
  readonly origin: ModelOrigin;
  /** Empty where nobody named one: then a node has to have the file. */
  readonly sources: readonly string[];
  readonly digest: string | null;
  readonly context: number;
  readonly slots: number;
  /** As the definition says. */
  readonly pinned: boolean;
  /** As a call said since, which holds over it; `null` = none did. */
  readonly pinOverride: boolean | null;
  readonly state: ModelState;
  readonly retiredAtMs: number | null;
  /** When what still runs on the retired model is cut; `null` = it may finish. */
  readonly drainUntilMs: number | null;
  readonly tags: readonly string[];
  readonly trust: ModelTrust;
  readonly verification: Verification | null;
  readonly lastVerifiedMs: number | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Purged then: kept so that nodes hear of it. */
  readonly removedAtMs: number | null;
}

/** What is to be served under an id. */
export interface ModelRecord {
  readonly spec: ModelSpec;
  readonly origin: ModelOrigin;
  readonly state: ModelState;
}

/** The spec of an intent; without a source, the file is what a node's catalog has under the id. */
export function specOfIntent({ modelId, sources, digest, context, slots, pinned, pinOverride }: ModelIntent): ModelSpec {
  return { model_id: modelId, sources: sources.length === 0 ? [`catalog:${modelId}`] : [...sources], digest, context, slots, pinned: pinOverride ?? pinned };
}

/** An intent with this definition that nobody has said anything else about. */
export function intentOf(spec: ModelSpec, origin: ModelOrigin, nowMs: number): ModelIntent {
  return {
    modelId: spec.model_id,
    origin,
    sources: spec.sources.filter((source) => source !== `catalog:${spec.model_id}`),
    digest: spec.digest,
    context: spec.context,
    slots: spec.slots,
    pinned: spec.pinned,
    pinOverride: null,
    state: 'Active',
    retiredAtMs: null,
    drainUntilMs: null,
    tags: [],
    trust: NO_TRUST,
    verification: null,
    lastVerifiedMs: null,
    createdMs: nowMs,
    updatedMs: nowMs,
    removedAtMs: null,
  };
}
