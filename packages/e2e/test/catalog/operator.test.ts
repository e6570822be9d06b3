import { access } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { startSystem, type System } from '../faults/served-system.js';
import { call, tiny, type Answer, type Tiny } from '../served.js';

const LONG_MS = 600_000;
const UNKNOWN_DIGEST = `sha256:${'9'.repeat(64)}`;

const files: Tiny[] = [];
let base: Tiny;
let system: System;

beforeAll(async () => {
  base = await aFile();
  system = await startSystem({ models: { base: base.model } });
}, LONG_MS);

afterAll(async () => {
  await system.stop();
  await Promise.all(files.map((one) => one.remove()));
}, 600_000);

/** A file with bytes of its own: replicas of one file are shared. */
async function aFile(extra: object = {}): Promise<Tiny> {
  const made = await tiny({ seed: 100 + files.length, endless: true, ...extra });
  files.push(made);
  return made;
}

const MODELS = '/v2/catalog/models';
const one = (id: string, rest = ''): string => `${MODELS}/${encodeURIComponent(id)}${rest}`;
const ask = (method: string, path: string, body?: unknown): Promise<Answer> => call(system.corral.url, method, path, body);
const sourceOf = ({ model }: Tiny): string => (model as { readonly source: string }).source;
const register = async (id: string, from: Tiny, more: object = {}): Promise<Answer> => ask('POST', MODELS, { id, source_url: sourceOf(from), context: 512, slots: 2, ...more });
const completion = (model: string): Promise<Answer> => ask('POST', '/v1/completions', { model, prompt: 'a', max_tokens: 2 });
const ids = async (query = ''): Promise<readonly unknown[]> => ((await ask('GET', `${MODELS}${query}`)).body['data'] as { readonly id: string }[]).map(({ id }) => id);

/** The states under which `model_state` has a model. */
async function stateMetric(id: string): Promise<readonly (string | undefined)[]> {
  const text = await (await fetch(new URL('/metrics', system.corral.url))).text();
  return text.split('\n').filter((line) => line.startsWith('model_state{') && line.includes(`model_id="${id}"`)).map((line) => /state="(\w+)"/.exec(line)?.[1]);
}

async function withHeaders(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const response = await fetch(new URL(path, system.corral.url), { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

test('B-28 B-90 T-55 a registered model is in list and get, serves at once by its id, and without an id there is none', async () => {
  const other = await aFile();
  const made = await register('api-made', other, { tags: ['small'] });
  expect([made.status, made.headers.get('location'), made.headers.get('etag') !== null]).toEqual([201, `${MODELS}/api-made`, true]);
  expect(made.body).toMatchObject({ id: 'api-made', state: 'Active', origin: 'api', sources: [sourceOf(other)], context: 512, slots: 2, pinned: false, tags: ['small'], retired_at_ms: null });
  expect(await ids()).toEqual(expect.arrayContaining(['api-made', 'base']));
  expect([await ids('?tag=small'), await ids('?q=API-m'), await ids('?state=Retired')]).toEqual([['api-made'], ['api-made'], []]);
  expect((await register('api-made', other, { tags: ['small'] })).status).toBe(200);
  expect((await register('api-made', other, { slots: 1 })).status).toBe(409);
  const nameless = await ask('POST', MODELS, { source_url: sourceOf(other) });
  expect([nameless.status, nameless.body]).toEqual([400, expect.objectContaining({ code: 'INVALID_PARAMS', field: 'id' })]);
  expect((await completion('api-made')).status).toBe(200);
  const seen = await eventually('the node reports it', 120_000, async () => {
    const { body } = await ask('GET', one('api-made'));
    const [node] = body['availability'] as { readonly present: boolean; readonly resident: number }[];
    return node?.present === true && node.resident === 1 && body;
  });
  expect(seen).toMatchObject({ verification: { result: 'warn' }, size_bytes: expect.any(Number), forecast: [expect.objectContaining({ fits: true, largest_context: expect.any(Number), reason: expect.stringContaining('needs') })] });
}, LONG_MS);

test('B-33 B-96 availability tells it by node and by model', async () => {
  expect((await completion('base')).status).toBe(200);
  const seen = await eventually('both are reported', 120_000, async () => {
    const { body } = await ask('GET', '/v2/catalog/availability');
    return (body['total_models'] as number) >= 1 && (body['single_node_models'] as string[]).includes('base') && body;
  });
  const [nodeId] = Object.keys(seen['nodes'] as object);
  expect(seen).toMatchObject({ replicated_models: [], nodes: { [String(nodeId)]: { node_id: nodeId, online: true, address: expect.stringContaining('http'), models: expect.arrayContaining(['base']) } }, models: { base: { nodes: [nodeId], online_nodes: [nodeId] } } });
}, LONG_MS);

test('T-56 T-59 a retired model is refused for good, by PATCH and by POST, and comes back when it is activated; any other state changes nothing', async () => {
  const other = await aFile();
  await register('to-retire', other);
  const draft = await ask('PATCH', one('to-retire', '/state'), { state: 'Draft' });
  expect([draft.status, draft.body['field'], (await ask('GET', one('to-retire'))).body['state']]).toEqual([400, 'state', 'Active']);
  expect((await completion('to-retire')).status).toBe(200);
  for (const method of ['PATCH', 'POST']) {
    const retired = await ask(method, one('to-retire', '/state'), { state: 'Retired' });
    expect([retired.status, retired.body['state'], typeof retired.body['retired_at_ms']]).toEqual([200, 'Retired', 'number']);
    expect(await stateMetric('to-retire')).toEqual(['Retired']);
    const refused = await ask('POST', '/v2/tasks', { model_ref: 'to-retire', prompt: 'a', max_tokens: 2 });
    expect([refused.status, refused.body['code'], refused.body['retriable'], refused.headers.get('retry-after')]).toEqual([503, 'MODEL_DEPRECATED', false, null]);
    const instance = await ask('POST', '/api/orgs/default/instances', { instance_id: 'late', model: 'to-retire' });
    expect([instance.status, instance.body['code']]).toEqual([503, 'MODEL_DEPRECATED']);
    await eventually('its replica is gone', 120_000, async () => ((await ask('GET', one('to-retire'))).body['availability'] as { readonly resident: number }[]).every(({ resident }) => resident === 0));
    const models = (await ask('GET', '/v1/models')).body['data'] as { readonly id: string }[];
    expect(models.map(({ id }) => id)).not.toContain('to-retire');
    const active = await ask(method, one('to-retire', '/state'), { state: 'Active' });
    expect([active.status, active.body['state'], active.body['retired_at_ms']]).toEqual([200, 'Active', null]);
    const back = await completion('to-retire');
    expect([back.status, back.body['error']]).toEqual([200, undefined]);
  }
}, LONG_MS);

/** The frames of a task from its first token on; what `then` does happens in between. */
async function afterFirstToken(modelRef: string, maxTokens: number, then: () => Promise<unknown>): Promise<string> {
  const task = await ask('POST', '/v2/tasks', { model_ref: modelRef, prompt: 'a', max_tokens: maxTokens });
  expect(task.status).toBe(202);
  const response = await fetch(new URL(`/v2/tasks/${String(task.body['task_id'])}/events`, system.corral.url));
  let text = '';
  let acted = false;
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes as Uint8Array).toString();
    if (acted || !text.includes('event: token')) continue;
    acted = true;
    await then();
  }
  return text;
}

test('T-59 a task that runs when its model is retired finishes', async () => {
  const other = await aFile();
  await register('long', other);
  const frames = await afterFirstToken('long', 480, () => ask('PATCH', one('long', '/state'), { state: 'Retired' }));
  expect(frames).toMatch(/event: end\ndata: [^\n]*"tokens_out":480/);
  expect((await ask('GET', one('long'))).body['state']).toBe('Retired');
}, LONG_MS);

test('T-232 what still runs on a retired model at its deadline is cut with a typed error', async () => {
  // It writes for longer than any machine needs for the call.
  const other = await aFile({ contextTokens: 65_536 });
  await register('cut', other, { context: 65_536 });
  await completion('cut');
  const frames = await afterFirstToken('cut', 60_000, () => ask('PATCH', one('cut', '/state'), { state: 'Retired', deadline_ms: 0 }));
  expect(frames).toMatch(/event: error\ndata: [^\n]*MODEL_DEPRECATED/);
}, LONG_MS);

test('B-30 T-57 a delete retires: the model is listed still, and its file untouched', async () => {
  const other = await aFile();
  await register('kept', other);
  expect((await ask('DELETE', one('kept'))).status).toBe(204);
  const { status, body } = await ask('GET', one('kept'));
  expect([status, body['state']]).toEqual([200, 'Retired']);
  expect(await ids('?state=Retired')).toContain('kept');
  await access(sourceOf(other).slice('file:'.length));
}, LONG_MS);

test('T-57 a purged model is gone', async () => {
  const other = await aFile();
  await register('to-purge', other);
  expect((await ask('POST', one('to-purge', '/pull?wait=true'))).body).toMatchObject({ state: 'succeeded', result: { nodes: [{ error: null }] } });
  expect((await ask('DELETE', one('to-purge', '?purge=true'))).status).toBe(204);
  const { status, body } = await ask('GET', one('to-purge'));
  expect([status, body['code'], await ids()]).toEqual([404, 'NOT_FOUND', expect.not.arrayContaining(['to-purge'])]);
  expect((await completion('to-purge')).status).toBe(404);
}, LONG_MS);

test('T-58 a model that is pinned, loaded or defined by the manifest is not purged', async () => {
  const other = await aFile();
  await register('held', other);
  expect(await completion('held')).toMatchObject({ status: 200 });
  await eventually('it is seen as loaded', 120_000, async () => ((await ask('GET', one('held'))).body['availability'] as { readonly resident: number }[]).some(({ resident }) => resident > 0));
  const loaded = await ask('DELETE', one('held', '?purge=true'));
  expect([loaded.status, loaded.body]).toEqual([409, expect.objectContaining({ code: 'MODEL_IN_USE', message: expect.stringContaining('corral models retire held') })]);
  expect((await ask('PUT', one('held', '/pin'))).body['pinned']).toBe(true);
  const pinned = await ask('DELETE', one('held', '?purge=true'));
  expect([pinned.status, pinned.body['message']]).toEqual([409, expect.stringContaining('corral models unpin held')]);
  expect((await ask('DELETE', one('held', '/pin'))).status).toBe(204);
  const served = await ask('DELETE', one('base', '?purge=true'));
  expect([served.status, served.body['message']]).toEqual([409, expect.stringContaining('manifest')]);
  expect((await completion('held')).status).toBe(200);
}, LONG_MS);

test('T-60 an id with slashes and colons works in every path when it is percent-encoded', async () => {
  const other = await aFile();
  const id = 'hf:org/repo/m.gguf';
  expect((await register(id, other)).headers.get('location')).toBe(one(id));
  expect((await ask('GET', one(id))).body).toMatchObject({ id });
  expect((await ask('PATCH', one(id), { tags: ['x'] })).body['tags']).toEqual(['x']);
  expect((await ask('PUT', one(id, '/pin'))).body['pinned']).toBe(true);
  expect((await ask('DELETE', one(id, '/pin'))).status).toBe(204);
  expect((await completion(id)).status).toBe(200);
  expect((await ask('PATCH', one(id, '/state'), { state: 'Retired', deadline_ms: 0 })).body['state']).toBe('Retired');
  await eventually('nothing of it is loaded', 120_000, async () => (await ask('DELETE', one(id, '?purge=true'))).status === 204);
  expect((await ask('GET', one(id))).status).toBe(404);
}, LONG_MS);

test('T-63 strict trust refuses an unsigned model, whoever asks for it: the header or the policy', async () => {
  const other = await aFile();
  const header = await withHeaders('POST', MODELS, { id: 'unsigned', source_url: sourceOf(other) }, { 'X-Trust-Policy': 'strict' });
  expect([header.status, header.body]).toEqual([400, expect.objectContaining({ code: 'UNTRUSTED_ARTIFACT', message: expect.stringContaining('signature') })]);
  const policy = await register('unsigned', other, { trust_policy: { require_signature: true } });
  expect([policy.status, policy.body['code']]).toEqual([400, 'UNTRUSTED_ARTIFACT']);
  expect((await ask('GET', one('unsigned'))).status).toBe(404);
  const signed = await withHeaders('POST', MODELS, { id: 'signed', source_url: sourceOf(other), signatures: ['by somebody'], sbom: 'https://example.test/sbom.json' }, { 'X-Trust-Policy': 'strict' });
  expect([signed.status, (signed.body['trust'] as { readonly warnings: string[] }).warnings]).toEqual([201, ['nobody has checked its signatures: no ca_roots were given']]);
}, LONG_MS);

test('T-230 a change of an older version than the one that is there is refused', async () => {
  const other = await aFile();
  await register('versioned', other);
  const before = (await ask('GET', one('versioned'))).headers.get('etag') ?? '';
  expect((await withHeaders('PATCH', one('versioned'), { tags: ['one'] }, { 'If-Match': before })).status).toBe(200);
  const late = await withHeaders('PATCH', one('versioned'), { tags: ['two'] }, { 'If-Match': before });
  expect([late.status, late.body['code'], (await ask('GET', one('versioned'))).body['tags']]).toEqual([412, 'PRECONDITION_FAILED', ['one']]);
  for (const [method, path] of [['PUT', '/pin'], ['DELETE', '']] as const) {
    const refused = await fetch(new URL(one('versioned', path), system.corral.url), { method, headers: { 'If-Match': before } });
    expect(refused.status).toBe(412);
  }
}, LONG_MS);

test.each([
  ['an id that leaves its directory', { id: '../escape' }, 'id', 'give it a plain name'],
  ['a digest that is too short', { id: 'd', digest: 'sha256:abc' }, 'digest', 'sha256sum'],
  ['a digest of another algorithm', { id: 'd', digest: `md5:${'a'.repeat(32)}` }, 'digest', 'write sha256:'],
  ['a scheme that does not exist', { id: 'd', source_url: 'gopher://host/m.gguf' }, 'source_url', 'use one of'],
  ['a path with ..', { id: 'd', source_url: 'file:/models/../etc/passwd' }, 'source_url', '..'],
  ['an unknown key', { id: 'd', sha: 'x' }, 'sha', 'known are'],
])('T-231 %s is refused with the next step', async (_what, body, field, next) => {
  const refused = await ask('POST', MODELS, body);
  expect([refused.status, refused.body['code'], refused.body['field'], refused.body['message']]).toEqual([400, 'INVALID_PARAMS', field, expect.stringContaining(next)]);
});

test('T-231 an unknown id is refused with what is near it', async () => {
  const refused = await ask('GET', one('bose'));
  expect([refused.status, refused.body['message']]).toEqual([404, expect.stringContaining('did you mean base?')]);
});

test('T-231 what is asked of the catalog is in the audit', async () => {
  const other = await aFile();
  await register('audited', other, { digest: UNKNOWN_DIGEST });
  const entries = (await ask('GET', '/api/admin/audit?limit=1000')).body['data'] as { readonly action: string; readonly detail: object | null }[];
  expect(entries).toContainEqual(expect.objectContaining({ action: 'model.register', outcome: 'granted', detail: { model_id: 'audited' } }));
});

test('B-32 B-92 a verification reads the file again and tells what it found, with the digest and without', async () => {
  const other = await aFile();
  const missing = await register('never-fetched', other);
  expect(missing.status).toBe(201);
  const none = await ask('POST', one('never-fetched', '/verify?wait=true'));
  expect([none.status, none.body['message']]).toEqual([409, expect.stringContaining('corral models pull never-fetched')]);
  const pulled = await ask('POST', one('never-fetched', '/pull?wait=true'));
  const [{ digest }] = (pulled.body['result'] as { readonly nodes: [{ readonly digest: string }] }).nodes;
  expect((await ask('PATCH', one('never-fetched'), { digest })).body['digest']).toBe(digest);
  const operation = await ask('POST', one('never-fetched', '/verify'));
  expect([operation.status, operation.body['kind']]).toEqual([202, 'model_verify']);
  const ended = await eventually('it has ended', 120_000, async () => {
    const { body } = await ask('GET', `/v2/operations/${String(operation.body['operation_id'])}`);
    return body['state'] !== 'running' && body;
  });
  expect(ended).toMatchObject({ state: 'succeeded', result: { model_id: 'never-fetched', result: 'pass' } });
  expect((await ask('GET', one('never-fetched'))).body).toMatchObject({ last_verified_ms: expect.any(Number), verification: { result: 'pass' } });
  const counted = 'catalog_verifications_total{result="pass",reason="digest_equal",engine="llamacpp"} 1';
  await eventually('it is counted', 120_000, async () => (await (await fetch(new URL('/metrics', system.corral.url))).text()).includes(counted));
}, LONG_MS);
