import { expect, test } from '@jest/globals';
import { anAssignment, aModelSpec } from '../../test/fixtures.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { AssignmentView } from './assignment-view.js';
import { retiredChanges } from './retired-changes.js';

function view(modelId: string, wanted: AssignmentView['assignment']['wanted'], instanceId = `model.${modelId}`): AssignmentView {
  const model = aModelSpec({ model_id: modelId });
  return { assignment: anAssignment({ instance_id: instanceId, model, wanted }), modelKey: modelKeyOf(model), status: undefined, place: undefined };
}

const models = { isRetired: (id: string) => id !== 'served', isPurged: (id: string) => id === 'purged' };

test('G-10 G-09 instances of retired models leave memory, those of purged ones are wanted nowhere, and who works stays until that is done', () => {
  const views = [view('served', 'resident'), view('retired', 'resident'), view('retired', 'staged', 'bot'), view('retired', 'on_disk', 'cold'), view('purged', 'on_disk'), view('purged', 'absent', 'gone'), view('retired', 'resident', 'busy')];
  const changes = retiredChanges(views, models, (key) => key === 'default/busy');
  expect(changes.map(({ instance, wanted, event, heldTier, reason }) => [instance.instanceId, wanted, event, heldTier, reason])).toEqual([
    ['model.retired', 'on_disk', 'unload', undefined, 'retired was retired'],
    ['bot', 'on_disk', 'unload', undefined, 'retired was retired'],
    ['model.purged', 'absent', 'unload', undefined, 'purged was purged'],
  ]);
});
