import { afterAll, describe, expect, test } from '@jest/globals';
import { ApiError } from '@corral/contracts';
import { removeFolders } from '../../test/fixtures.js';
import { openInstances, READY, type InstancesRig } from '../../test/instances-rig.js';
import { configHashOf } from './implicit-instance.js';
import { versionOf } from './instance-changes.js';

afterAll(removeFolders);

const call = { correlationId: 'c1' };
const bot = { orgId: 'acme', instanceId: 'bot' };

async function withInstances(work: (rig: InstancesRig) => Promise<void>): Promise<void> {
  const rig = await openInstances();
  try {
    await work(rig);
  } finally {
    await rig.close();
  }
}

const refused = (code: string, field?: string) => expect.objectContaining({ code, ...(field === undefined ? {} : { details: expect.objectContaining({ field }) }) });

describe('making instances', () => {
  test('B-122 C-62 a new instance is cold, active and not loaded', () =>
    withInstances(async ({ instances, lifecycle, registry }) => {
      const record = await instances.create('acme', { instance_id: 'bot', model: 'tiny', config: { temperature: 0.5 } }, call);
      expect(record).toMatchObject({ ...bot, kind: 'explicit', origin: 'api', status: 'active', tier: 'cold', ttlS: null, modelRef: 'tiny', heldTier: null, configHash: configHashOf({ temperature: 0.5 }) });
      expect(lifecycle.calls).toEqual([]);
      expect(registry.explicitOf('acme')).toEqual([record]);
      await expect(instances.create('acme', { instance_id: 'bot', model: 'tiny' }, call)).rejects.toEqual(refused('CONFLICT', 'instance_id'));
    }));

  test('B-122 a hot one is loaded, and owed a load where that cannot be ordered now', () =>
    withInstances(async ({ instances, lifecycle }) => {
      await instances.create('acme', { instance_id: 'bot', model: 'tiny', tier: 'hot' }, call);
      lifecycle.failure = new ApiError('NODE_UNAVAILABLE', 'no node has registered');
      const owed = await instances.create('acme', { instance_id: 'later', model: 'tiny', tier: 'hot' }, call);
      expect(lifecycle.calls).toEqual(['load acme/bot hot startup', 'load acme/later hot startup']);
      expect(owed.heldTier).toBe('hot');
    }));

  test('B-155 a model that nobody serves, and an id of the server, are refused', () =>
    withInstances(async ({ instances }) => {
      await expect(instances.create('acme', { instance_id: 'bot', model: 'tinu' }, call)).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('did you mean tiny') });
      await expect(instances.create('acme', { instance_id: 'model.tiny', model: 'tiny' }, call)).rejects.toEqual(refused('INVALID_PARAMS', 'instance_id'));
    }));
});

describe('changing instances', () => {
  test('B-122 T-90 another config changes the hash and refreshes; the same content does nothing', () =>
    withInstances(async ({ instances, lifecycle, clock }) => {
      const before = await instances.create('acme', { instance_id: 'bot', model: 'tiny', config: { temperature: 0.5, seed: 1 } }, call);
      await clock.advance(1_000);
      expect(await instances.patch(bot, { config: { temperature: 0.5 }, tier: 'cold' }, call)).toEqual(before);
      const after = await instances.patch(bot, { config: { temperature: 0.7, seed: null } }, call);
      expect(after).toEqual({ ...before, config: { temperature: 0.7 }, configHash: configHashOf({ temperature: 0.7 }), updatedAtMs: before.updatedAtMs + 1_000 });
      expect(lifecycle.calls).toEqual(['refresh acme/bot']);
    }));

  test('E-08 B-122 a change that cannot be published changes nothing', () =>
    withInstances(async ({ instances, lifecycle, history }) => {
      const before = await instances.create('acme', { instance_id: 'bot', model: 'tiny', config: { seed: 1 } }, call);
      lifecycle.failure = new ApiError('EVENT_BUS_UNAVAILABLE', 'the broker is away');
      await expect(instances.patch(bot, { config: { seed: 2 }, model: 'smollm2' }, call)).rejects.toEqual(refused('EVENT_BUS_UNAVAILABLE'));
      expect(await instances.known(bot)).toMatchObject({ config: { seed: 1 }, configHash: before.configHash, modelRef: 'tiny' });
      expect((await history.list(bot, { limit: 9, beforeId: null })).map(({ type }) => type)).toEqual(['created']);
    }));

  test('B-156 a version that is not the current one is refused and changes nothing', () =>
    withInstances(async ({ instances }) => {
      const first = await instances.create('acme', { instance_id: 'bot', model: 'tiny' }, call);
      const second = await instances.patch(bot, { name: 'Bot' }, { ...call, ifMatch: versionOf(first) });
      await expect(instances.patch(bot, { name: 'Other' }, { ...call, ifMatch: versionOf(first) })).rejects.toEqual(refused('PRECONDITION_FAILED'));
      expect(await instances.known(bot)).toEqual(second);
    }));

  test('B-152 a suspended instance is unloaded, is not loaded again, and comes back when it is active', () =>
    withInstances(async ({ instances, lifecycle }) => {
      await instances.create('acme', { instance_id: 'bot', model: 'tiny', tier: 'hot' }, call);
      await instances.patch(bot, { status: 'suspended' }, call);
      await expect(instances.load(bot, undefined, call)).rejects.toEqual(refused('CONFLICT'));
      await instances.patch(bot, { status: 'active' }, call);
      expect(lifecycle.calls).toEqual(['load acme/bot hot startup', 'unload acme/bot', 'load acme/bot hot startup']);
    }));

  test('B-155 what the server keeps for a model can neither be changed nor deleted', () =>
    withInstances(async ({ instances, registry, store }) => {
      const kept = { orgId: 'default', instanceId: 'model.tiny' };
      await store.db.insertInto('instances').values({ org_id: 'default', instance_id: 'model.tiny', kind: 'implicit', name: null, status: 'active', origin: 'server', model_ref: 'tiny', tier: 'demand', ttl_s: null, config: '{}', config_hash: 'x', generation: 0, held_tier: null, last_used_at: null, created_at: 0, updated_at: 0, deleted_at: null }).execute();
      registry.put({ ...kept, kind: 'implicit', name: null, status: 'active', origin: 'server', modelRef: 'tiny', tier: 'demand', ttlS: null, config: {}, configHash: 'x', generation: 0, heldTier: null, lastUsedAtMs: null, createdAtMs: 0, updatedAtMs: 0, deletedAtMs: null });
      await expect(instances.patch(kept, { tier: 'hot' }, call)).rejects.toEqual(refused('CONFLICT'));
      await expect(instances.remove(kept, call)).rejects.toEqual(refused('CONFLICT'));
    }));
});

describe('load and unload', () => {
  test('B-113 G-02 the hint counts for this load alone, and the tier of the record where there is none', () =>
    withInstances(async ({ instances, lifecycle, registry }) => {
      await instances.create('acme', { instance_id: 'bot', model: 'tiny' }, call);
      expect([await instances.load(bot, 'hot', call), await instances.load(bot, undefined, call)]).toEqual(['hot', 'cold']);
      expect(lifecycle.calls).toEqual(['load acme/bot hot api_load', 'load acme/bot cold api_load']);
      expect(registry.find(bot)?.tier).toBe('cold');
    }));

  test('B-111 B-123 a deleted instance was unloaded first, is gone after, and can be made again', () =>
    withInstances(async ({ instances, lifecycle }) => {
      await instances.create('acme', { instance_id: 'bot', model: 'tiny' }, call);
      lifecycle.states.set('acme/bot', READY);
      await instances.remove(bot, call);
      expect(lifecycle.calls).toEqual(['unload acme/bot']);
      await expect(instances.load(bot, undefined, call)).rejects.toEqual(refused('GONE'));
      await expect(instances.known({ ...bot, instanceId: 'bat' })).rejects.toEqual(refused('NOT_FOUND', 'instance_id'));
      expect(lifecycle.calls).toEqual(['unload acme/bot']);
      expect(await instances.create('acme', { instance_id: 'bot', model: 'tiny' }, call)).toMatchObject({ deletedAtMs: null, tier: 'cold' });
    }));

  test('E-08 an unload that cannot be published deletes nothing', () =>
    withInstances(async ({ instances, lifecycle }) => {
      await instances.create('acme', { instance_id: 'bot', model: 'tiny' }, call);
      lifecycle.states.set('acme/bot', READY);
      lifecycle.failure = new ApiError('EVENT_BUS_UNAVAILABLE', 'the broker is away');
      await expect(instances.remove(bot, call)).rejects.toEqual(refused('EVENT_BUS_UNAVAILABLE'));
      expect(await instances.known(bot)).toMatchObject(bot);
    }));
});

describe('what happened', () => {
  test('B-153 every change is an event, newest first, and the oldest go', () =>
    withInstances(async ({ instances, history }) => {
      await instances.create('acme', { instance_id: 'bot', model: 'tiny' }, call);
      await instances.load(bot, 'warm', call);
      await instances.patch(bot, { ttl_s: 9, tier: 'demand' }, call);
      const told = (await history.list(bot, { limit: 10, beforeId: null })).map(({ type, reason }) => [type, reason]);
      expect(told).toEqual([['updated', 'tier demand, ttl_s 9'], ['load_requested', 'tier warm'], ['created', 'model tiny, tier cold']]);
      for (let n = 0; n < 300; n += 1) history.note({ ...bot, atMs: n, type: 'loaded', reason: `${n}`, durationMs: n, steps: [{ step: 'loading', duration_ms: n }] });
      const kept = await history.list(bot, { limit: 1_000, beforeId: null });
      expect([kept.length, kept[0]?.reason, kept.at(-1)?.reason]).toEqual([200, '299', '100']);
      expect((await history.list(bot, { limit: 2, beforeId: kept[1]?.id ?? 0 })).map(({ reason }) => reason)).toEqual(['297', '296']);
    }));
});
