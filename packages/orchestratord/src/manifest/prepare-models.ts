import type { ModelSpec } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { DefinitionChanges, Preparation } from '../assignments/definition-changes.js';
import { modelKeyOf } from './model-key.js';
import { ReloadError } from './reload-error.js';

export interface ChangedModel {
  readonly before: ModelSpec;
  readonly after: ModelSpec;
}

export interface PrepareModelsParts {
  readonly definitions: Pick<DefinitionChanges, 'prepare' | 'preparation' | 'poolsWith'>;
  readonly clock: Clock;
  /** Whether one replica serves both. */
  isSameReplica(a: ModelSpec, b: ModelSpec): boolean;
  /** Aborted when the server stops. */
  readonly signal: AbortSignal;
  /** How long the reload waits for their loads. */
  readonly limitMs: number;
}

const LOOK_MS = 50;
/** Room that is said to lack so many times in a row is lacking. */
const LACKING_LOOKS = 4;

interface Preparing {
  readonly before: ModelSpec;
  readonly model: ModelSpec;
  readonly modelKey: string;
  readonly poolId: string;
  lacking: number;
  note: string | null;
}

/**
 * Asks for the replicas of changed models beside those that serve, where memory allows, and waits for them up to a
 * limit. Returns one sentence per changed model that has a replica. Throws where one cannot be loaded at all: then the
 * manifest is not taken up. [F-31 F-32]
 */
export async function prepareModels(changed: readonly ChangedModel[], { definitions, clock, limitMs, isSameReplica, signal }: PrepareModelsParts): Promise<readonly string[]> {
  const preparing = changed.flatMap(({ before, after }): Preparing[] => {
    const [beforeKey, modelKey] = [modelKeyOf(before), modelKeyOf(after)];
    const poolId = beforeKey === modelKey || isSameReplica(before, after) ? undefined : definitions.poolsWith(beforeKey)[0];
    return poolId === undefined ? [] : [{ before, model: after, modelKey, poolId, lacking: 0, note: null }];
  });
  if (preparing.length === 0) return [];
  definitions.prepare(preparing);
  const untilMs = clock.monotonicMs() + limitMs;
  while (preparing.some(({ note }) => note === null) && clock.monotonicMs() < untilMs) {
    await clock.sleep(LOOK_MS, signal);
    for (const one of preparing) {
      if (one.note === null && isSameReplica(one.before, one.model)) one.note = `model:${one.model.model_id} means the same file as before, so its replica in pool ${one.poolId} stays`;
      if (one.note === null) look(one, definitions.preparation(one.modelKey));
    }
  }
  return preparing.map(({ model, poolId, note }) => note ?? `model:${model.model_id} was not loaded beside the old replica in pool ${poolId} within ${limitMs} ms; new requests wait for its load`);
}

function look(one: Preparing, { state, message }: Preparation): void {
  const { model, poolId } = one;
  if (state === 'failed') throw new ReloadError('activation', `model ${model.model_id} cannot be loaded as it is defined now (${message}); what served before serves on, so correct models.${model.model_id} and reload`);
  if (state === 'resident') one.note = `model:${model.model_id} was loaded beside the old replica in pool ${poolId}, which ends with its last request`;
  one.lacking = state === 'no_room' ? one.lacking + 1 : 0;
  if (one.lacking >= LACKING_LOOKS) one.note = `model:${model.model_id} has no room beside the old replica in pool ${poolId}, which is drained first; new requests wait for the load`;
}
