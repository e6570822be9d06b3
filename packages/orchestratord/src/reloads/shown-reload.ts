import type { BindingRecord, ReloadFailedEvent, ReloadFailure, ReloadRecord, ReloadSucceededEvent } from '@corral/contracts';
import { describeProblem } from '../manifest/manifest-error.js';
import type { BindingStatus, ReloadDone, ReloadFailed, ReloadOutcome } from '../manifest/reloads.js';

/** A reload as answers and the list of the last ones show it. [F-11] */
export function shownReload(outcome: ReloadOutcome): ReloadRecord {
  return outcome.kind === 'ok' ? { status: 'ok', ...shownDone(outcome) } : { status: 'error', ...shownFailed(outcome) };
}

/** The body of the 500: the failure, and the fields that every refusal has. [F-11 G-47] */
export function shownFailure(outcome: ReloadFailed): ReloadFailure {
  return { status: 'error', ...shownFailed(outcome), code: 'RELOAD_FAILED', message: outcome.error, retriable: false };
}

export function shownDone({ summary, manifestHash, previousHash, notes, ...facts }: ReloadDone): ReloadSucceededEvent {
  const { added, modified, removed, unchanged } = summary;
  return {
    ...shownFacts(facts),
    summary: { added: [...added], modified: [...modified], removed: [...removed], unchanged: [...unchanged] },
    manifest_hash: manifestHash,
    previous_hash: previousHash,
    notes: [...notes],
  };
}

export function shownFailed({ error, errorKind, step, problems, ...facts }: ReloadFailed): ReloadFailedEvent {
  return { ...shownFacts(facts), error, error_kind: errorKind, step, problems: problems.map(({ line, field, message }) => ({ line, field, message })) };
}

function shownFacts({ source, at, durationMs, steps }: Pick<ReloadOutcome, 'source' | 'at' | 'durationMs' | 'steps'>) {
  return { source, at: new Date(at).toISOString(), duration_ms: Math.round(durationMs), steps: steps.map((one) => ({ step: one.step, duration_ms: Math.round(one.durationMs) })) };
}

/** One version of a binding, as the page and the state file show it. [F-14] */
export function shownBinding({ inFlight, ...binding }: BindingStatus): BindingRecord {
  const { id, kind, provider, handler, version, state, fingerprint, received, dispatched, failed } = binding;
  return { id, kind, provider, handler, version, state, fingerprint, received, dispatched, failed, in_flight: inFlight };
}

/** The fields of the log line. */
export function loggedReload(outcome: ReloadOutcome): object {
  const { source, correlationId, durationMs, steps } = outcome;
  const facts = { source, correlation_id: correlationId, duration_ms: Math.round(durationMs), steps: steps.map(({ step }) => step) };
  if (outcome.kind === 'error') return { ...facts, step: outcome.step, error_kind: outcome.errorKind, reason: outcome.error, problems: outcome.problems.map(describeProblem) };
  const { summary, manifestHash, notes } = outcome;
  return { ...facts, manifest_hash: manifestHash, added: summary.added.length, modified: summary.modified.length, removed: summary.removed.length, unchanged: summary.unchanged.length, notes };
}
