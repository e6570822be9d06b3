import type { WantedState } from '@corral/contracts';
import type { Log } from '@corral/service-kit';
import type { Journal } from '../assignments/journal.js';
import type { IntentKeeper } from '../models/intent-keeper.js';
import type { PoolPlanner } from '../pools/pool-planner.js';
import type { ToldPreloads } from '../pools/preloads.js';

export interface AnswerHandlerOptions {
  readonly journal: Journal;
  readonly intent: Pick<IntentKeeper, 'saw'>;
  readonly preloads: Pick<ToldPreloads, 'told'>;
  readonly planner: Pick<PoolPlanner, 'settle' | 'replan'>;
  readonly log: Log;
}

/** Takes over what the control plane wants: pools first, then assignments, both kept before anything acts on them. */
export class AnswerHandler {
  constructor(private readonly options: AnswerHandlerOptions) {}

  /** `knownSeq` is where the journal was when the report was made. Rejects when the journal cannot be written. */
  async take({ pools, assignments, preloads, orchestrator_incarnation: orchestratorIncarnation, catalog_version: version }: WantedState, about: { readonly isRegistration: boolean; readonly knownSeq: number }): Promise<void> {
    const { journal, intent, planner, log } = this.options;
    // A control plane that names no pools on registration wants the default ones; in a heartbeat it has nothing to change.
    const defined = pools ?? (about.isRegistration || pools === null ? null : undefined);
    if (defined !== undefined) await journal.setChoices(defined?.map(({ pool_id, device, memory_bytes }) => ({ poolId: pool_id, device, memoryBytes: memory_bytes })) ?? null);
    if (assignments !== undefined) {
      const { taken, dropped } = await journal.replace(assignments, about.knownSeq);
      if (taken.length + dropped.length > 0) log.info('assignments replaced', { taken, dropped, source: about.isRegistration ? 'registration' : 'heartbeat' });
    }
    // Before the pools are settled, so that none looks ready for a moment.
    if (preloads !== undefined) this.options.preloads.told(preloads);
    if (version !== undefined) intent.saw({ orchestratorIncarnation, version });
    planner.settle('the control plane answered');
    planner.replan();
  }
}
