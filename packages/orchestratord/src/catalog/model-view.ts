import type { CatalogModel, ModelOnNode, ModelSpec, ModelState, Verification } from '@corral/contracts';
import { canonicalHash } from '../manifest/canonical-hash.js';
import type { FleetLook } from './fleet-look.js';
import { forecastOf } from './forecast.js';
import { NO_TRUST, type ModelIntent, type ModelRecord } from './model-intent.js';

/** A model as it is served, with what was said of it where anything was. */
export interface KnownModel {
  readonly spec: ModelSpec;
  readonly origin: ModelRecord['origin'];
  readonly state: ModelState;
  readonly intent: ModelIntent | undefined;
}

/** The version of a model, for `ETag` and `If-Match`: another one after each change that somebody made. */
export function versionOf({ spec, origin, state, intent }: KnownModel): string {
  const { retiredAtMs = null, drainUntilMs = null, tags = [], trust = NO_TRUST } = intent ?? {};
  return `"${canonicalHash({ spec, origin, state, retiredAtMs, drainUntilMs, tags, trust })}"`;
}

/** A model of the catalog as the wire shows it. Pure. [B-27] */
export function modelView(known: KnownModel, look: FleetLook): CatalogModel {
  const { spec, origin, state, intent } = known;
  const availability = look.availability(spec.model_id, spec.digest);
  const present = availability.filter((one) => one.present);
  const facts = look.factsOf(spec.model_id, spec.digest);
  const holders = look.holders(spec.model_id);
  const createdMs = intent?.createdMs ?? Math.min(...holders.map(({ model }) => model.created_ms));
  const { policy, signatures, sbom, manifests, warnings } = intent?.trust ?? NO_TRUST;
  return {
    id: spec.model_id,
    state,
    origin,
    sources: spec.sources.filter((source) => source !== `catalog:${spec.model_id}`),
    digest: spec.digest,
    context: spec.context,
    slots: spec.slots,
    pinned: spec.pinned,
    tags: [...(intent?.tags ?? [])],
    trust: { policy, signatures: [...signatures], sbom, manifests: [...manifests], warnings: [...warnings] },
    verification: worstVerification(present) ?? intent?.verification ?? null,
    last_verified_ms: latest([intent?.lastVerifiedMs ?? null, ...present.map((one) => one.last_verified_ms)]),
    created_ms: Number.isFinite(createdMs) ? createdMs : 0,
    updated_ms: intent?.updatedMs ?? (Number.isFinite(createdMs) ? createdMs : 0),
    retired_at_ms: intent?.retiredAtMs ?? null,
    drain_until_ms: intent?.drainUntilMs ?? null,
    size_bytes: present[0]?.size_bytes ?? null,
    architecture: facts?.architecture ?? null,
    quant: facts?.quant ?? null,
    train_context: facts?.train_context ?? null,
    availability: [...availability],
    forecast: [...forecastOf(facts, spec, look.sources.pools)],
  };
}

const BADNESS: Readonly<Record<Verification['result'], number>> = { pass: 0, warn: 1, fail: 2 };

/** The worst of several; `null` for none. [B-92] */
function worstVerification(ones: readonly Pick<ModelOnNode, 'verification'>[]): Verification | null {
  return ones.reduce<Verification | null>((worst, { verification }) => (verification !== null && (worst === null || BADNESS[verification.result] > BADNESS[worst.result]) ? verification : worst), null);
}

function latest(times: readonly (number | null)[]): number | null {
  const known = times.filter((ms) => ms !== null);
  return known.length === 0 ? null : Math.max(...known);
}
