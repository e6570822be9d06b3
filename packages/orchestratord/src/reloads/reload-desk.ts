import type { ManifestStatus, ORCHESTRATORD_METRICS } from '@corral/contracts';
import type { Clock, Log, Metrics } from '@corral/service-kit';
import type { OwnEvents } from '../events/own-events.js';
import type { ManifestReloads, ReloadOutcome, ReloadRequest } from '../manifest/reloads.js';
import { reloadEvent } from './reload-event.js';
import { loggedReload, shownBinding, shownReload } from './shown-reload.js';
import type { StateFile } from './state-file.js';

export interface ReloadDeskOptions {
  readonly reloads: Pick<ManifestReloads, 'reload' | 'bindings' | 'history'>;
  readonly events: Pick<OwnEvents, 'tell'>;
  readonly stateFile: Pick<StateFile, 'activated'>;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  readonly clock: Clock;
  readonly log: Log;
  /** What serves, beside its bindings. */
  served(): Pick<ManifestStatus, 'path' | 'hash' | 'problem'>;
}

/** Where every way to a reload ends: each reload is logged, counted and told once, whoever asked for it. [F-02 F-03] */
export class ReloadDesk {
  constructor(private readonly options: ReloadDeskOptions) {}

  /** Never rejects. Whoever has the outcome finds the state file as it says, and the event that tells it kept. */
  async reload(request: ReloadRequest): Promise<ReloadOutcome> {
    const { reloads, events, stateFile, metrics, clock, log } = this.options;
    const outcome = await reloads.reload(request);
    const isDone = outcome.kind === 'ok';
    metrics.inc('manifest_reloads_total', { source: outcome.source, outcome: isDone ? 'succeeded' : 'failed' });
    if (isDone) {
      metrics.observe('manifest_reload_duration_ms', {}, outcome.durationMs);
      log.info('manifest reloaded', loggedReload(outcome));
      await stateFile.activated(outcome.source);
    } else log.error('manifest not reloaded; the one before serves on', loggedReload(outcome));
    await events.tell(reloadEvent(outcome, clock));
    return outcome;
  }

  /** The file that is served; `null` where there is none. */
  get path(): string | null {
    return this.options.served().path;
  }

  status(): ManifestStatus {
    const { reloads, served } = this.options;
    return { ...served(), bindings: reloads.bindings().map(shownBinding), reloads: reloads.history().map(shownReload) };
  }
}
