import type { OwnEvent } from '@corral/contracts';
import { envelopeOf } from '@corral/event-bus';
import type { Clock } from '@corral/service-kit';
import type { ReloadOutcome } from '../manifest/reloads.js';
import { shownDone, shownFailed } from './shown-reload.js';

/** What everybody is told of the end of a reload. [E-13 F-21] */
export function reloadEvent(outcome: ReloadOutcome, clock: Clock): OwnEvent {
  const facts = { source: 'orchestratord', clock, correlationId: outcome.correlationId };
  return outcome.kind === 'ok' ? envelopeOf('orchestrator.reload_succeeded', shownDone(outcome), facts) : envelopeOf('orchestrator.reload_failed', shownFailed(outcome), facts);
}
