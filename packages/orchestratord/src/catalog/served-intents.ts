import type { ServedModel } from '../manifest/served-manifest.js';
import { canonicalHash } from '../manifest/canonical-hash.js';
import { intentOf, type ModelIntent } from './model-intent.js';

/**
 * What a manifest changes in what is stored: `null` forgets a model. One that a call defined keeps that definition,
 * which serves again when the manifest drops the id; state and pin that somebody set stay in any case. Pure. [G-19]
 */
export function servedIntents(served: readonly ServedModel[], known: readonly ModelIntent[], nowMs: number): ReadonlyMap<string, ModelIntent | null> {
  const before = new Map(known.map((intent) => [intent.modelId, intent]));
  const changes = new Map<string, ModelIntent | null>();
  for (const { spec, origin } of served) {
    const intent = before.get(spec.model_id);
    const fresh = intentOf(spec, origin, nowMs);
    if (intent === undefined || intent.removedAtMs !== null) changes.set(spec.model_id, fresh);
    else if (intent.origin !== 'api' && definitionHash(intent) !== definitionHash(fresh)) changes.set(spec.model_id, { ...fresh, ...saidOf(intent) });
  }
  const named = new Set(served.map(({ spec }) => spec.model_id));
  for (const intent of known) {
    const isOurs = intent.origin === 'manifest' || intent.origin === 'starter';
    if (!isOurs || named.has(intent.modelId) || intent.removedAtMs !== null) continue;
    changes.set(intent.modelId, isTouched(intent) ? { ...intent, origin: 'node', pinned: false, updatedMs: nowMs } : null);
  }
  return changes;
}

/** What people said of the model, whoever defines it. */
function saidOf({ pinOverride, state, retiredAtMs, drainUntilMs, tags, trust, verification, lastVerifiedMs, createdMs }: ModelIntent): Partial<ModelIntent> {
  return { pinOverride, state, retiredAtMs, drainUntilMs, tags, trust, verification, lastVerifiedMs, createdMs };
}

function isTouched({ pinOverride, state, tags }: ModelIntent): boolean {
  return pinOverride !== null || state === 'Retired' || tags.length > 0;
}

function definitionHash({ origin, sources, digest, context, slots, pinned }: ModelIntent): string {
  return canonicalHash({ origin, sources, digest, context, slots, pinned });
}
