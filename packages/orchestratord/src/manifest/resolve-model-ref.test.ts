import { describe, expect, test } from '@jest/globals';
import type { ModelSpec, ReplicaStatus } from '@corral/contracts';
import { aModelSpec } from '../../test/fixtures.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import { modelKeyOf, modelKeyOfReplica } from './model-key.js';
import { resolveModelRef, type NamedThings } from './resolve-model-ref.js';
import { aReplicaStatus } from '../../test/node-fixtures.js';

const anInstance = (orgId: string, instanceId: string, over: Partial<InstanceRecord> = {}): InstanceRecord => ({
  orgId, instanceId, kind: 'explicit', name: null, status: 'active', origin: 'api', modelRef: 'smollm2', tier: 'warm', ttlS: 900, config: { system_prompt: 'Be kind.', temperature: 0.2, stop: 'END', max_tokens: 'many' },
  configHash: 'c', generation: 1, heldTier: null, lastUsedAtMs: null, createdAtMs: 0, updatedAtMs: 0, deletedAtMs: null, ...over,
});

const specs = new Map([['smollm2', aModelSpec()], ['org/tiny', aModelSpec({ model_id: 'org/tiny' })]]);
const route = { name: 'chat', version: 3, modelId: 'smollm2', tier: 'hot', ttlS: null, priority: 'batch', placement: { mode: 'prefer', preferPools: ['p1'] } } as const;
const things = (instances: readonly InstanceRecord[] = []): NamedThings => ({ routes: new Map([['chat', route]]), instances: () => instances, instance: (id) => instances.find(({ instanceId }) => instanceId === id), specOf: (id) => specs.get(id), isRetired: () => false, modelIds: () => specs.keys() });
const NOTHING = { systemPrompt: null, temperature: null, topP: null, topK: null, minP: null, maxTokens: null, stop: null, seed: null };

describe('resolveModelRef', () => {
  test('F-20 a model is served by the instance that is kept for it', () => {
    expect(resolveModelRef('org/tiny', 'acme', things())).toEqual({
      kind: 'resolved', model: specs.get('org/tiny'), modelKey: modelKeyOf(specs.get('org/tiny')!), instance: { orgId: 'default', instanceId: 'model-x.org_2Ftiny', tier: 'demand' }, route: null, defaults: NOTHING, bindings: ['model:org/tiny'],
    });
  });

  test('F-20 a route gives tier, priority, placement and its version', () => {
    expect(resolveModelRef('chat', 'acme', things())).toEqual({
      kind: 'resolved', model: specs.get('smollm2'), modelKey: modelKeyOf(aModelSpec()), instance: { orgId: 'default', instanceId: 'route.chat', tier: 'hot' },
      route: { name: 'chat', version: 3, priority: 'batch', placement: { mode: 'prefer', preferPools: ['p1'] } }, defaults: NOTHING, bindings: ['route:chat', 'model:smollm2'],
    });
  });

  test.each(['helpdesk', 'acme/helpdesk'])('F-20 an instance of the org comes before all else: %s', (ref) => {
    expect(resolveModelRef(ref, 'acme', things([anInstance('acme', 'helpdesk'), anInstance('acme', 'chat')]))).toEqual({
      kind: 'resolved', model: specs.get('smollm2'), modelKey: modelKeyOf(aModelSpec()), instance: { orgId: 'acme', instanceId: 'helpdesk', tier: 'warm' }, route: null,
      defaults: { ...NOTHING, systemPrompt: 'Be kind.', temperature: 0.2, stop: ['END'] }, bindings: ['instance:acme/helpdesk', 'model:smollm2'],
    });
    expect(resolveModelRef('chat', 'acme', things([anInstance('acme', 'chat')]))).toMatchObject({ instance: { instanceId: 'chat' }, route: null });
  });

  test('F-20 what does not exist is named, with what is near', () => {
    expect(resolveModelRef('smolm2', 'acme', things())).toEqual({ kind: 'not_found', message: 'there is no instance, route or model "smolm2"; did you mean smollm2?', near: ['smollm2'] });
    expect(resolveModelRef('gpt-4', 'acme', things())).toEqual({ kind: 'not_found', message: 'there is no instance, route or model "gpt-4"; GET /v1/models lists what there is', near: [] });
  });

  test('F-36 what exists is found by its name alone, however much else there is', () => {
    const walked = (): never => {
      throw new Error('it was looked for among all');
    };
    const many: NamedThings = { ...things([anInstance('acme', 'helpdesk')]), instances: walked, modelIds: walked, routes: { get: (name: string) => (name === 'chat' ? route : undefined) } as NamedThings['routes'] };
    for (const name of ['chat', 'org/tiny', 'helpdesk', 'acme/helpdesk']) expect(resolveModelRef(name, 'acme', many).kind).toBe('resolved');
  });

  test('F-20 an instance whose model is not served says so', () => {
    expect(resolveModelRef('bot', 'acme', things([anInstance('acme', 'bot', { modelRef: 'smollm' })]))).toEqual({ kind: 'not_found', message: 'instance bot runs smollm, which is not served here; add the model to the manifest', near: ['smollm2'] });
  });
});

describe('model keys', () => {
  const replica = aReplicaStatus({ model_id: 'smollm2' });
  const other = `sha256:${'f'.repeat(64)}`;
  const keyWith = (spec: ModelSpec | undefined, seen: readonly string[] = [], over: Partial<ReplicaStatus> = {}) => modelKeyOfReplica({ ...replica, ...over }, { specOf: () => spec, keysSeen: () => seen });

  test('A-11 a replica has the key of its spec; other bytes, context or slots make another key', () => {
    const exact = aModelSpec({ digest: replica.digest });
    expect(keyWith(exact)).toBe(modelKeyOf(exact));
    expect(keyWith(undefined)).toBe(modelKeyOf(exact));
    expect(keyWith(aModelSpec({ digest: other }))).not.toBe(modelKeyOf(aModelSpec({ digest: other })));
    expect(keyWith(exact, [], { context: 4_096 })).not.toBe(modelKeyOf(exact));
    expect(keyWith(exact, [], { slots_total: 2 })).not.toBe(modelKeyOf(exact));
  });

  test('A-11 F-30 without a digest the sources say which bytes are meant, once a replica was made of them', () => {
    const [before, after] = [aModelSpec({ digest: null, sources: ['file:/a.gguf'] }), aModelSpec({ digest: null, sources: ['file:/b.gguf'] })];
    const [old, fresh] = [modelKeyOf(before), modelKeyOf(after)];
    expect(old).not.toBe(fresh);
    expect(keyWith(before)).toBe(old);
    expect(keyWith(after, [old])).toBe(old);
    expect(keyWith(after, [old, fresh])).toBe(fresh);
    expect(keyWith(aModelSpec({ digest: other }), [old])).toBe(old);
    expect(keyWith(aModelSpec({ digest: null, context: 4_096 }), [old], { context: 4_096 })).not.toBe(old);
  });
});
