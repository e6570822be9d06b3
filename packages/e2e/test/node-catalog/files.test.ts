import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, startCorral, writeTinyModel } from '@corral/test-kit';
import { completed } from '../faults/answers.js';
import { poolsAt, startSystem, type System } from '../faults/served-system.js';
import { call, ONE_THREAD } from '../served.js';
import { digestOf, entriesOf, indexOf, modelPath, pulled, resultOf } from './node-catalog.js';

let dir: string;
let system: System;
let plain: Buffer;
let checked: Buffer;
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-files-'));
  plain = await readFile((await writeTinyModel(at('plain.gguf'))).path);
  // Bytes of its own: a file that another model has as well would be that one's.
  checked = await readFile((await writeTinyModel(at('checked.gguf'), { seed: 61 })).path);
  const model = (source: string, extra: object = {}) => ({ source, context: 512, slots: 2, ...extra });
  system = await startSystem({
    models: {
      plain: model(`file:${at('plain.gguf')}`),
      checked: model(`file:${at('checked.gguf')}`, { digest: digestOf(checked) }),
      far: model('hf:org/repo/far.gguf'),
    },
    env: { FETCH_ALLOW: 'file' },
  });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await rm(dir, { recursive: true, force: true });
});

const ask = (model: string) => call(system.corral.url, 'POST', '/v1/completions', { model, prompt: 'x', max_tokens: 2 });

test('T-68 D-20 a file that is loaded is in the catalog of its node as Active, without any other call', async () => {
  expect(await completed(system.corral.url, { model: 'plain', prompt: 'x', max_tokens: 2 })).not.toBe('');
  const entry = (await entriesOf(system.corral.poolUrl)).find(({ model_id }) => model_id === 'plain');
  expect(entry).toMatchObject({ digest: digestOf(plain), path: at('plain.gguf'), external: true, state: 'Active', size_bytes: plain.length, verification: { result: 'warn' }, last_used_ms: expect.any(Number) });
  expect((await indexOf(system.corral)).models.map(({ id }) => id)).toContain('plain');
}, 600_000);

test('T-61 B-92 D-62 verify passes and its time moves; after one changed byte it fails, the model is not loaded, and once the byte is back it is', async () => {
  expect((await pulled(system.corral.poolUrl, 'checked', `file:${at('checked.gguf')}`, digestOf(checked))).status).toBe(200);
  const entry = async () => (await entriesOf(system.corral.poolUrl)).find(({ model_id }) => model_id === 'checked');
  const before = (await entry())?.last_verified_ms ?? 0;
  const verify = async () => resultOf(await call(system.corral.poolUrl, 'POST', modelPath('checked', '/verify?wait=true')));
  expect(await verify()).toMatchObject({ model_id: 'checked', result: 'pass', digest: digestOf(checked) });
  expect((await entry())?.last_verified_ms ?? 0).toBeGreaterThan(before);

  const changed = Buffer.from(checked);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  await writeFile(at('checked.gguf'), changed);
  expect(await verify()).toMatchObject({ result: 'fail', digest: digestOf(changed), reason: expect.stringContaining(digestOf(checked)) });
  const refused = await ask('checked');
  expect([refused.status, JSON.stringify(refused.body)]).toEqual([503, expect.stringContaining(digestOf(checked))]);

  await writeFile(at('checked.gguf'), checked);
  expect(await verify()).toMatchObject({ result: 'pass' });
  await eventually('the model answers', 120_000, async () => (await ask('checked')).status === 200);
}, 600_000);

test('T-67 D-22 a source that may not be used ends in an error that names the setting, at once', async () => {
  const startedMs = Date.now();
  const answer = await ask('far');
  expect([answer.status, JSON.stringify(answer.body)]).toEqual([503, expect.stringContaining('FETCH_ALLOW')]);
  const direct = await pulled(system.corral.poolUrl, 'far', 'hf:org/repo/far.gguf');
  expect([direct.status, direct.body['code'], direct.body['message']]).toEqual([503, 'MODEL_NOT_AVAILABLE', expect.stringContaining('FETCH_ALLOW=file does not allow hf: sources; add hf')]);
  expect(Date.now() - startedMs).toBeLessThan(60_000);
}, 600_000);

test('T-66 D-06 ids and paths with ".." are refused, and nothing is written outside', async () => {
  const { url, poolUrl, stateDir } = system.corral;
  const outside = async () => [await readdir(dir), (await readdir(stateDir)).toSorted()];
  const before = await outside();
  const spec = { sources: [`file:${at('plain.gguf')}`], digest: null, context: 512, slots: 2, pinned: false };
  for (const id of ['../escaped', 'a/../../escaped', '..']) {
    const path = `/v2/catalog/models/${encodeURIComponent(id).replaceAll('.', '%2E')}/pull`;
    const answer = await call(poolUrl, 'POST', path, { spec: { ...spec, model_id: id } });
    expect([id, answer.status < 500 && answer.status >= 400]).toEqual([id, true]);
    const registered = await call(url, 'POST', '/v2/catalog/models', { id, source_url: `file:${at('plain.gguf')}`, digest: digestOf(plain) });
    expect([id, registered.status]).toEqual([id, 400]);
  }
  const traversing = await pulled(poolUrl, 'traversing', `file:${dir}/x/../plain.gguf`);
  expect([traversing.status, traversing.body['message']]).toEqual([503, expect.stringContaining('..')]);
  // What is being written under another name at this moment has its own in the next.
  const added = async () => (await outside()).flatMap((names, n) => names.filter((name) => before[n]?.includes(name) !== true));
  await eventually('nothing is there that was not', 120_000, async () => (await added()).length === 0).catch(async () => expect(await added()).toEqual([]));
  expect((await entriesOf(poolUrl)).map(({ model_id }) => model_id).filter((id) => id.includes('..') || id === 'traversing')).toEqual([]);
}, 600_000);

test('T-233 B-91 D-63 what cannot be is refused with the next step: unknown models, digests of a wrong length, specs of another model', async () => {
  const { url, poolUrl } = system.corral;
  const spec = { model_id: 'm', sources: [`file:${at('plain.gguf')}`], digest: 'sha256:abc', context: 512, slots: 2, pinned: false };
  expect(await call(poolUrl, 'POST', modelPath('m', '/pull'), { spec })).toMatchObject({ status: 400, body: { code: 'INVALID_PARAMS', field: 'spec.digest' } });
  expect(await call(poolUrl, 'POST', modelPath('other', '/pull'), { spec: { ...spec, digest: null } })).toMatchObject({ status: 400, body: { field: 'spec.model_id' } });
  expect(await call(poolUrl, 'POST', modelPath('plian', '/verify'))).toMatchObject({ status: 404, body: { message: expect.stringContaining('plian'), hint: expect.stringContaining('plain') } });
  expect(await call(url, 'POST', '/v2/catalog/models', { id: 'm', source_url: `file:${at('plain.gguf')}`, digest: 'sha256:abc' })).toMatchObject({ status: 400 });
  expect(await call(url, 'POST', '/v1/completions', { model: 'plian', prompt: 'x' })).toMatchObject({ status: 404 });
}, 600_000);

test('T-58 G-09 D-63 a purge is refused while the model is loaded, with who uses it', async () => {
  await completed(system.corral.url, { model: 'plain', prompt: 'x', max_tokens: 2 });
  const refused = await call(system.corral.poolUrl, 'DELETE', modelPath('plain'));
  expect(refused).toMatchObject({ status: 409, body: { code: 'MODEL_IN_USE', message: expect.stringMatching(/plain is in use.*(replica|instance).*unload it/) } });
  expect((await entriesOf(system.corral.poolUrl)).map(({ model_id }) => model_id)).toContain('plain');
}, 600_000);

test('T-62 C-268 D-10 a pool whose only preload has a wrong digest is never ready and says why, serves its other models, and is ready with the right digest', async () => {
  const wrong = `sha256:${'0'.repeat(64)}`;
  const manifest = (digest: string) => ({
    version: 1,
    models: { bad: { source: `file:${at('plain.gguf')}`, digest, context: 512, slots: 2 }, other: { source: `file:${at('checked.gguf')}`, context: 512, slots: 2 } },
    routes: { always: { model: 'bad', tier: 'hot' } },
  });
  const corral = await startCorral({ manifest: manifest(wrong), env: { ...ONE_THREAD, IDLE_WORKERS: '0' } });
  const seen = async () => (await poolsAt(corral.poolUrl)).map((pool) => [pool.ready, pool.last_error?.includes(wrong) === true && pool.last_error.includes(digestOf(plain))]);
  const tries = async () => (await corral.logs('pool-managerd')).filter(({ msg }) => msg === 'model not present').length;
  try {
    await eventually('the pool says why', 120_000, async () => (await seen())[0]?.[1] === true);
    const asked = await call(corral.url, 'POST', '/v1/completions', { model: 'always', prompt: 'x' });
    expect(asked).toMatchObject({ status: 503, body: { error: { message: expect.stringContaining(wrong) } } });
    expect(await completed(corral.url, { model: 'other', prompt: 'x', max_tokens: 2 })).not.toBe('');
    const triedBefore = await tries();
    const looks: string[] = [];
    // It is tried again meanwhile, and looks the same in each look.
    await eventually('it is tried twice more', 120_000, async () => {
      looks.push(JSON.stringify(await seen()));
      return (await tries()) >= triedBefore + 2;
    });
    expect([...new Set(looks)]).toEqual(['[[false,true]]']);
    for (const url of [corral.poolUrl, corral.url]) expect(await call(url, 'GET', '/ready')).toMatchObject({ status: 503, body: { ready: false, reason: expect.stringContaining(wrong) } });
    const changes = (await corral.logs('pool-managerd')).filter(({ msg }) => msg === 'pool changed').map(({ to }) => to);
    expect(changes).toEqual(['unready']);
    expect((await entriesOf(corral.poolUrl)).map(({ model_id }) => model_id)).toEqual(['other']);

    await writeFile(join(corral.stateDir, 'corral.manifest.json'), JSON.stringify(manifest(digestOf(plain))));
    corral.kill('SIGHUP');
    await eventually('the pool is ready', 120_000, async () => JSON.stringify(await seen()) === '[[true,false]]');
    expect(await completed(corral.url, { model: 'always', prompt: 'x', max_tokens: 2 })).not.toBe('');
  } finally {
    await corral.stop();
  }
}, 600_000);
