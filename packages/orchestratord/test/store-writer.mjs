// Commits assignments with their outbox rows without a pause, until it is killed.
import { silentLog, systemClock } from '@corral/service-kit';
import { openStore } from '../dist/store/open-store.js';
import { nextGeneration, putInstance } from '../dist/store/instance-rows.js';
import { putAssignment } from '../dist/store/assignment-rows.js';
import { addCommand } from '../dist/store/outbox-rows.js';

const [stateDir, round] = process.argv.slice(2);
const { db } = await openStore({ stateDir, clock: systemClock, log: silentLog });
const key = { orgId: 'default', instanceId: 'model.m' };
await putInstance(db, { ...key, kind: 'implicit', modelRef: 'm', tier: 'demand', ttlS: null, config: {}, configHash: 'c' }, 0);
process.send('open');
for (;;) {
  const generation = await db.transaction().execute(async (tx) => {
    const next = await nextGeneration(tx, key);
    const model = { model_id: 'm', sources: ['file:/m.gguf'], digest: null, context: 256, slots: 1, pinned: false };
    const assignment = {
      instance_id: key.instanceId, org_id: key.orgId, tier: 'demand', wanted: 'resident', model_ref: 'm', model, digest: null, config_hash: 'c',
      generation: next, source: 'demand', reason: 'x'.repeat(500), target: { node_id: 'n', pool_id: 'p' }, correlation_id: 'c',
    };
    await putAssignment(tx, assignment, 0);
    await addCommand(tx, { id: `${round}-${next}`, specversion: '1.0', type: 'orchestrator.load', source: 'orchestratord', time: '2026-01-01T00:00:00Z', datacontenttype: 'application/json', data: assignment }, 0);
    return next;
  });
  process.send({ committed: generation });
}
