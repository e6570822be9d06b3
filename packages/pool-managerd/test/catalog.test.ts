import { createHash } from 'node:crypto';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Assignment, CatalogIntent, NodeCatalogEntry, NodeCatalogList, NodeState, Operation } from '@corral/contracts';
import { aControlPlane, aStateDir, NodeUnderTest } from './node-under-test.js';
import type { NodeOptions } from './node-under-test.js';

const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;

async function aNode(over: NodeOptions = {}) {
  const node = await NodeUnderTest.start({ ...over, environment: { POOL_MANAGERD_STAGE_MAX_BYTES: '0', ...over.environment } });
  await node.untilReady();
  const pathOf = (id: string, rest = '') => `/v2/catalog/models/${encodeURIComponent(id)}${rest}`;
  const get = (id: string) => node.client.json<NodeCatalogEntry>('GET', pathOf(id));
  const list = () => node.client.json<NodeCatalogList>('GET', '/v2/catalog/models');
  const run = async (id: string, what: 'pull' | 'verify', body?: object) => {
    const begun = await node.client.json<Operation>('POST', pathOf(id, `/${what}`), body);
    return await node.until(() => node.client.json<Operation>('GET', `/v2/operations/${begun.operation_id}`), ({ state }) => state !== 'running');
  };
  const pull = (id: string, source: string, digest: string | null = null) => run(id, 'pull', { spec: { model_id: id, sources: [source], digest, context: 256, slots: 2, pinned: false } });
  const purge = (id: string) => node.client.exchange('DELETE', pathOf(id));
  return { node, get, list, pull, purge, verify: (id: string) => run(id, 'verify'), events: () => node.controlPlane.events.filter(({ type }) => type.startsWith('catalog.')) };
}

const refused = (code: string, part: string) => expect.objectContaining({ code, message: expect.stringContaining(part) });

describe('pull', () => {
  test('T-68 B-95 D-20 a file in place becomes an active entry, under an id with slashes and colons', async () => {
    const { node, get, list, pull, events } = await aNode();
    const { model } = await node.aModel('a');
    const operation = await pull('hf:org/repo/m.gguf', model.sources[0] ?? '');
    const digest = digestOf(Buffer.alloc(1_000_000, 'a'));
    expect(operation).toMatchObject({ kind: 'model_pull', subject: { model_id: 'hf:org/repo/m.gguf' }, state: 'succeeded', result: { digest, size_bytes: 1_000_000, verification: { result: 'warn' } } });
    expect(await get('hf:org/repo/m.gguf')).toMatchObject({ model_id: 'hf:org/repo/m.gguf', digest, external: true, path: (model.sources[0] ?? '').slice('file:'.length), state: 'Active', pinned: false, retired_at_ms: null });
    expect((await list()).data).toHaveLength(1);
    await node.until(events, (seen) => seen.some(({ type, data }) => type === 'catalog.model_registered' && (data as { model: { model_id: string } }).model.model_id === 'hf:org/repo/m.gguf'));
  });

  test('T-62 D-10 a wrong digest fails with both digests, and leaves no entry', async () => {
    const { node, list, pull } = await aNode();
    const { model } = await node.aModel('a');
    const wrong = `sha256:${'0'.repeat(64)}`;
    const operation = await pull('a', model.sources[0] ?? '', wrong);
    expect(operation).toMatchObject({ state: 'failed', error: refused('MODEL_NOT_AVAILABLE', wrong) });
    expect(operation.error?.message).toContain(digestOf(Buffer.alloc(1_000_000, 'a')));
    expect((await list()).data).toEqual([]);
  });

  test('T-66 D-06 B-95 ids and specs that cannot be are refused before anything is done', async () => {
    const { node } = await aNode();
    const spec = { sources: ['file:/m.gguf'], digest: null, context: 256, slots: 2, pinned: false };
    const post = (path: string, body: object) => node.client.json('POST', path, body);
    await expect(post('/v2/catalog/models/..%2F..%2Fetc/pull', { spec: { ...spec, model_id: 'a' } })).rejects.toEqual(refused('INVALID_PARAMS', '".."'));
    await expect(post('/v2/catalog/models/a%2F..%2Fb/pull', { spec: { ...spec, model_id: 'a' } })).rejects.toEqual(refused('INVALID_PARAMS', '".."'));
    await expect(post('/v2/catalog/models/a/pull', { spec: { ...spec, model_id: 'b' } })).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'spec.model_id' } });
    await expect(post('/v2/catalog/models/a/pull', { spec: { ...spec, model_id: 'a', digest: 'sha256:abc' } })).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'spec.digest' } });
    await expect(post('/v2/catalog/models/nobody/verify', {})).rejects.toEqual(refused('NOT_FOUND', 'nobody'));
    await expect(node.client.exchange('DELETE', '/v2/catalog/models/nobody')).rejects.toEqual(refused('NOT_FOUND', 'nobody'));
  });

  test('T-67 D-22 a source that the node may not use is refused with the setting that says so', async () => {
    const { pull } = await aNode({ environment: { FETCH_ALLOW: 'file' } });
    expect(await pull('a', 'hf:org/repo/m.gguf')).toMatchObject({ state: 'failed', error: refused('MODEL_NOT_AVAILABLE', 'FETCH_ALLOW=file') });
  });

  test('D-06 a link in the models directory that leads out of it is an external file', async () => {
    const { node, get, pull, purge } = await aNode();
    const { model } = await node.aModel('a');
    const target = (model.sources[0] ?? '').slice('file:'.length);
    const link = join(node.stateDir, 'models', 'link.gguf');
    await symlink(target, link);
    await pull('a', `file:${link}`);
    expect(await get('a')).toMatchObject({ external: true });
    await purge('a');
    expect([(await stat(target)).isFile(), (await readdir(join(node.stateDir, 'models'))).includes('link.gguf')]).toEqual([true, true]);
  });
});

describe('verify', () => {
  test('T-61 B-92 the right digest passes and the time moves; one changed byte fails, and putting it back passes again', async () => {
    const { node, get, pull, verify } = await aNode();
    const { model } = await node.aModel('a');
    const path = (model.sources[0] ?? '').slice('file:'.length);
    const bytes = await readFile(path);
    await pull('a', `file:${path}`, digestOf(bytes));
    const before = await get('a');
    expect(await verify('a')).toMatchObject({ kind: 'model_verify', state: 'succeeded', result: { result: 'pass', digest: digestOf(bytes) } });
    const after = await get('a');
    expect(after.last_verified_ms).toBeGreaterThan(before.last_verified_ms);

    const changed = Buffer.from(bytes);
    changed[500_000] = 0;
    await writeFile(path, changed);
    expect(await verify('a')).toMatchObject({ result: { result: 'fail', digest: digestOf(changed), reason: expect.stringContaining(digestOf(bytes)) } });
    expect(await get('a')).toMatchObject({ verification: { result: 'fail' }, digest: digestOf(bytes) });

    await writeFile(path, bytes);
    expect(await verify('a')).toMatchObject({ result: { result: 'pass' } });
  });

  test('D-62 a model whose verification failed is not loaded, with its digest in last_error, until its file is right again', async () => {
    const { node, pull, verify } = await aNode();
    const assignment = await node.aModel('a');
    const path = (assignment.model.sources[0] ?? '').slice('file:'.length);
    const bytes = await readFile(path);
    const digest = digestOf(bytes);
    await pull('a', `file:${path}`, digest);
    await writeFile(path, Buffer.alloc(bytes.length, 'b'));
    await verify('a');
    const wanted: Assignment = { ...assignment, digest, model: { ...assignment.model, digest } };
    await node.post(wanted);
    expect((await node.untilResidency('a', 'failed'))?.last_error).toContain(digest);
    await writeFile(path, bytes);
    await node.post({ ...wanted, generation: 2 });
    await node.untilResidency('a', 'resident');
  });

  test('D-10 a file that is gone fails, and a model without a digest of its own ends in warn', async () => {
    const { node, pull, verify } = await aNode();
    const { model } = await node.aModel('a');
    const path = (model.sources[0] ?? '').slice('file:'.length);
    await pull('a', `file:${path}`);
    expect(await verify('a')).toMatchObject({ result: { result: 'warn', reason: expect.stringContaining('no digest was given') } });
    await writeFile(path, '');
    expect(await verify('a')).toMatchObject({ result: { result: 'fail' } });
  });
});

describe('purge', () => {
  test('T-58 G-09 D-35 what is loaded or pinned stays, with who uses it; what nobody uses goes and is told', async () => {
    const { node, get, list, pull, purge, events } = await aNode();
    const assignment = await node.aModel('a');
    const replicaId = await node.load(assignment);
    await expect(purge('a')).rejects.toEqual(refused('MODEL_IN_USE', replicaId));
    await node.post({ ...assignment, wanted: 'absent', generation: 2 });
    await node.untilResidency('a', 'on_disk');
    await node.until(() => purge('a').then(() => true, (error: { code: string }) => error.code !== 'MODEL_IN_USE'), (done) => done);
    expect((await list()).data).toEqual([]);
    await expect(get('a')).rejects.toEqual(refused('NOT_FOUND', 'model a not found'));
    expect((await stat((assignment.model.sources[0] ?? '').slice('file:'.length))).isFile()).toBe(true);
    await node.until(events, (seen) => seen.some(({ type, data }) => type === 'catalog.model_deleted' && (data as { rule: string }).rule === 'Purge'));

    await node.client.json('POST', '/v2/catalog/models/p/pull?wait=true', { spec: { ...assignment.model, model_id: 'p', pinned: true } });
    await expect(purge('p')).rejects.toEqual(refused('MODEL_IN_USE', 'pinned'));
    await pull('q', assignment.model.sources[0] ?? '');
    await purge('q');
    expect((await list()).data.map(({ model_id }) => model_id)).toEqual(['p']);
  });
});

describe('the intent', () => {
  const wanted = (model_id: string, over: Partial<CatalogIntent> = {}): CatalogIntent => ({ model_id, digest: null, sources: [], state: 'Active', pinned: false, retired_at_ms: null, ...over });
  const lastState = (states: readonly NodeState[]) => states.at(-1)?.catalog;

  test('D-61 G-19 is asked for when its version differs, applied to what is there and what comes, and kept over a restart', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.nextHeartbeatMs = 50;
    const stateDir = await aStateDir();
    const { node, get, pull, events } = await aNode({ controlPlane, stateDir });
    const { model } = await node.aModel('a');
    const source = model.sources[0] ?? '';
    await pull('a', source);
    controlPlane.catalog = { catalog_version: 3, models: [wanted('a', { state: 'Retired', retired_at_ms: 7 }), wanted('b', { pinned: true })] };
    await node.until(() => get('a'), ({ state, retired_at_ms }) => state === 'Retired' && retired_at_ms === 7);
    await pull('b', source);
    await node.until(() => get('b'), ({ pinned }) => pinned);
    await node.until(() => controlPlane.heartbeats, (states) => lastState(states)?.catalog_version === 3 && lastState(states)?.not_applied.length === 0);
    await node.until(events, (seen) => seen.filter(({ type }) => type === 'catalog.state_changed').length === 2);
    expect(controlPlane.catalogPulls).toBe(1);

    // The same version once more changes nothing; an older one of a restored control plane does.
    controlPlane.catalog = { catalog_version: 2, models: [wanted('a'), wanted('b')] };
    controlPlane.incarnation = 'control-2';
    await node.until(async () => [await get('a'), await get('b')], ([a, b]) => a?.state === 'Active' && b?.pinned === false);
    await node.stop();
    const again = await NodeUnderTest.start({ controlPlane, stateDir, environment: { POOL_MANAGERD_STAGE_MAX_BYTES: '0' } });
    await again.until(() => controlPlane.registrations, (seen) => seen.length > 1);
    expect(controlPlane.registrations.at(-1)?.state.catalog).toEqual({ orchestrator_incarnation: 'control-2', catalog_version: 2, not_applied: [] });
    expect(controlPlane.catalogPulls).toBe(2);
  });

  test('D-61 G-19 a node that is told of a change asks at once, and a purge of what was pinned does so by itself', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.catalog = { catalog_version: 1, models: [wanted('a', { pinned: true })] };
    const { node, get, list, pull, purge } = await aNode({ controlPlane });
    const { model } = await node.aModel('a');
    await pull('a', model.sources[0] ?? '');
    await node.until(() => get('a'), ({ pinned }) => pinned);
    controlPlane.catalog = { catalog_version: 2, models: [wanted('a', { pinned: true, digest: (await get('a')).digest })] };
    await node.client.exchange('POST', '/v2/catalog/sync', {});
    expect(await get('a')).toMatchObject({ pinned: true, verification: { result: 'pass' } });
    controlPlane.catalog = { catalog_version: 3, models: [wanted('a')] };
    await purge('a');
    expect((await list()).data).toEqual([]);
  });

  test('D-61 what was removed goes when nobody uses it, and the state says what could not', async () => {
    const controlPlane = await aControlPlane();
    controlPlane.nextHeartbeatMs = 50;
    const { node, list, pull } = await aNode({ controlPlane });
    const a = await node.aModel('a');
    await node.load(a);
    await pull('b', a.model.sources[0] ?? '');
    await node.client.json('POST', '/v2/catalog/models/c/pull?wait=true', { spec: { ...(await node.aModel('c')).model, pinned: true } });
    controlPlane.catalog = { catalog_version: 1, models: [wanted('a', { state: 'Removed' }), wanted('c', { state: 'Removed' })] };
    await node.until(() => controlPlane.heartbeats, (states) => lastState(states)?.not_applied[0]?.reason.includes('in use') === true);
    expect(lastState(controlPlane.heartbeats)).toMatchObject({ catalog_version: 1, not_applied: [{ model_id: 'a' }] });
    await node.post({ ...a, wanted: 'absent', generation: 2 });
    await node.until(() => list(), ({ data }) => data.every(({ model_id }) => model_id === 'b'));
    await node.until(() => controlPlane.heartbeats, (states) => lastState(states)?.not_applied.length === 0);
  });
});

describe('last use', () => {
  test('D-36 a load and a task move the time', async () => {
    const { node, get } = await aNode();
    const assignment = await node.aModel('a');
    const replicaId = await node.load(assignment);
    const loaded = (await get('a')).last_used_ms ?? 0;
    expect(loaded).toBeGreaterThan(0);
    await node.until(async () => {
      const { body } = await node.task({ task_id: `t-${Math.random()}`.replace('.', ''), replica_id: replicaId });
      await body.text();
      return (await get('a')).last_used_ms ?? 0;
    }, (used) => used > loaded);
  });
});
