import type { BindingStatus, ManifestReloads, ReloadDone, ReloadFailed, ReloadOutcome, ReloadRequest } from '../src/manifest/reloads.js';

export function aReloadDone(over: Partial<ReloadDone> = {}): ReloadDone {
  return {
    kind: 'ok',
    source: 'admin_api',
    correlationId: 'c1',
    at: Date.parse('2026-01-01T00:00:00.000Z'),
    durationMs: 12.3,
    steps: [{ step: 'validate', durationMs: 1.6 }],
    summary: { added: ['route:new'], modified: ['route:chat'], removed: ['route:old'], unchanged: ['model:m'] },
    manifestHash: 'h2',
    previousHash: 'h1',
    notes: ['model m2 was loaded beside m'],
    ...over,
  };
}

export function aReloadFailed(over: Partial<ReloadFailed> = {}): ReloadFailed {
  return {
    kind: 'error',
    source: 'admin_api',
    correlationId: 'c1',
    at: Date.parse('2026-01-01T00:00:00.000Z'),
    durationMs: 3,
    steps: [{ step: 'validate', durationMs: 3 }],
    error: 'line 3: routes.chat.model: no model "m" is defined; add it to models',
    errorKind: 'validation',
    step: 'validate',
    problems: [{ line: 3, field: 'routes.chat.model', message: 'no model "m" is defined; add it to models' }],
    ...over,
  };
}

export function aBinding(over: Partial<BindingStatus> = {}): BindingStatus {
  return { id: 'route:chat', kind: 'route', provider: 'manifest', handler: 'm', version: 1, state: 'active', fingerprint: 'f1', received: 0, dispatched: 0, failed: 0, inFlight: 0, ...over };
}

/** The sequence behind the doors: answers what it is told to, and remembers what it was asked. */
export class ScriptedReloads implements ManifestReloads {
  readonly asked: ReloadRequest[] = [];
  statuses: readonly BindingStatus[] = [aBinding()];
  next: (request: ReloadRequest) => Promise<ReloadOutcome> | ReloadOutcome = ({ source, correlationId }) => aReloadDone({ source, correlationId });
  #history: ReloadOutcome[] = [];

  async reload(request: ReloadRequest): Promise<ReloadOutcome> {
    this.asked.push(request);
    const outcome = await this.next(request);
    this.#history = [outcome, ...this.#history];
    return outcome;
  }

  bindings(): readonly BindingStatus[] {
    return this.statuses;
  }

  history(): readonly ReloadOutcome[] {
    return this.#history;
  }

  onOutcome(): () => void {
    return () => undefined;
  }
}
