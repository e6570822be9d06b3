import type { CatalogIntentChange, OwnEvent } from '@corral/contracts';
import { envelopeOf } from '@corral/event-bus';
import type { Clock } from '@corral/service-kit';
import { registrationHash } from './define-model.js';
import type { ModelIntent } from './model-intent.js';

/** Who changed what is meant. */
export interface ChangedBy {
  /** As the audit names callers; `manifest` and `nodes` for what was found there. */
  readonly actor: string;
  readonly correlationId?: string;
}

/** One change of what is meant for a model, and the version of the catalog that it made. */
export interface IntentStep {
  readonly before: ModelIntent | undefined;
  readonly next: ModelIntent | null;
  readonly version: number;
  readonly by: ChangedBy;
}

/** What everybody is told of a change; `null` where nothing that anybody would act on differs. Pure but for time and id. [E-41] */
export function intentEvent({ before, next, version, by }: IntentStep, clock: Clock): OwnEvent | null {
  const from = before === undefined || before.removedAtMs !== null ? null : before;
  const to = next === null || next.removedAtMs !== null ? null : next;
  const about = to ?? from;
  if (about === null) return null;
  const changed = from === null || to === null ? [] : differences(from, to);
  if (from !== null && to !== null && changed.length === 0) return null;
  const data: CatalogIntentChange = {
    model_id: about.modelId,
    digest: about.digest,
    origin: about.origin,
    from: stateOf(from),
    to: stateOf(to),
    changed,
    drain_until_ms: to?.drainUntilMs ?? null,
    catalog_version: version,
    actor: by.actor,
  };
  const facts = { source: 'orchestratord', clock, correlationId: by.correlationId };
  if (from === null) return envelopeOf('catalog.intent_registered', data, facts);
  return to === null ? envelopeOf('catalog.intent_deleted', data, facts) : envelopeOf('catalog.intent_changed', data, facts);
}

function stateOf(intent: ModelIntent | null): CatalogIntentChange['from'] {
  return intent && { state: intent.state, pinned: isPinned(intent) };
}

function isPinned({ pinned, pinOverride }: ModelIntent): boolean {
  return pinOverride ?? pinned;
}

function differences(from: ModelIntent, to: ModelIntent): CatalogIntentChange['changed'] {
  const isDefinedAnew = from.origin !== to.origin || registrationHash({ ...from, pinned: false }) !== registrationHash({ ...to, pinned: false });
  return [
    ...(isDefinedAnew ? (['definition'] as const) : []),
    ...(from.state === to.state ? [] : (['state'] as const)),
    ...(from.drainUntilMs === to.drainUntilMs ? [] : (['deadline'] as const)),
    ...(isPinned(from) === isPinned(to) ? [] : (['pinned'] as const)),
  ];
}
