import type { Assignment } from '@corral/contracts';
import type { ModelWish } from '../models/model-presence.js';
import type { WantedModel } from '../models/present-model.js';
import type { JournalEntry } from './journal-state.js';

/** The model that an assignment needs, as the provisioner is asked for it. */
export function wantedModelOf({ model, digest }: Assignment): WantedModel {
  return { modelId: model.model_id, sources: model.sources, digest: digest ?? model.digest };
}

/** The models that must be on disk: nothing is staged or loaded that is not. */
export function modelWishes(entries: Iterable<JournalEntry>): readonly ModelWish[] {
  return [...entries]
    .filter(({ assignment }) => assignment.wanted !== 'absent')
    .map(({ assignment }) => ({ wanted: wantedModelOf(assignment), generation: assignment.generation }));
}
