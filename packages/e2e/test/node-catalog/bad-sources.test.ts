import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startHub, writeTinyModel, type Hub, type HubFault } from '@corral/test-kit';
import { startSystem, type System } from '../faults/served-system.js';
import { call } from '../served.js';
import { digestOf, entriesOf, modelPath, pulled } from './node-catalog.js';

let dir: string;
let hub: Hub;
let system: System;
let bytes: Buffer;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-sources-'));
  bytes = await readFile((await writeTinyModel(join(dir, 'm.gguf'))).path);
  hub = await startHub();
  hub.put('m.gguf', bytes);
  // Patience is what these servers would use up.
  system = await startSystem({ models: {}, poolManagerd: { fetch: { attempts: 2, idle_ms: 3_000, connect_ms: 20_000, retry_initial_ms: 10, retry_max_ms: 20, connections: 1 } } });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await hub.close();
  await rm(dir, { recursive: true, force: true });
});

afterEach(async () => {
  hub.misbehave(() => null);
  for (const { model_id } of await entriesOf(system.corral.poolUrl)) await call(system.corral.poolUrl, 'DELETE', modelPath(model_id));
});

/** What lies in the models directory beside the index, the lock and what a download can go on with. */
async function left(): Promise<readonly string[]> {
  const found = await readdir(join(system.corral.stateDir, 'models'), { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile() && !entry.parentPath.includes('.lock') && !entry.parentPath.includes('resume-') && entry.name !== 'catalog.json').map(({ name }) => name);
}

test.each<[string, HubFault | null, string | null, RegExp]>([
  ['a redirect that leads back', { kind: 'redirect', to: '/m.gguf' }, null, /redirects in a circle; /],
  ['a redirect to another scheme', { kind: 'redirect', to: 'ftp://127.0.0.1/m.gguf' }, null, /redirects to a ftp: address; |redirects to a ftp:/],
  ['a length that is less than the file, with a digest', { kind: 'short_length', bytes: 4_000 }, 'right', /sha256:.* instead of sha256:.*; /],
  ['a body that ends before its length', { kind: 'cut', afterBytes: 0 }, 'right', /; .+/],
  ['a server that stalls', { kind: 'stall', afterBytes: 0 }, 'right', /nothing|stall|brought|idle|silent/i],
  ['a server that is broken', { kind: 'status', status: 500 }, null, /500/],
  ['a file that is not there', { kind: 'status', status: 404 }, null, /404|not there|no such/i],
  ['bytes of another digest', null, `sha256:${'0'.repeat(64)}`, /sha256:0000.*correct the digest/],
])('T-234 D-23 D-52 D-58 %s: a clear error with the next step, nothing is left, and the right file comes afterwards', async (name, fault, wanted, message) => {
  const id = `m-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  hub.misbehave(() => fault);
  const answer = await pulled(system.corral.poolUrl, id, `${hub.url}/m.gguf`, wanted === 'right' ? digestOf(bytes) : wanted);
  expect([answer.status, answer.body['code'], answer.body['message']]).toEqual([503, 'MODEL_NOT_AVAILABLE', expect.stringMatching(message)]);
  expect(String(answer.body['message'])).toMatch(/[;:] [^;]+$/);
  expect([(await entriesOf(system.corral.poolUrl)).map(({ model_id }) => model_id), await left()]).toEqual([[], []]);
  hub.misbehave(() => null);
  expect((await pulled(system.corral.poolUrl, id, `${hub.url}/m.gguf`, digestOf(bytes))).status).toBe(200);
  expect((await call(system.corral.poolUrl, 'DELETE', modelPath(id))).status).toBe(204);
  expect([await entriesOf(system.corral.poolUrl), await left()]).toEqual([[], []]);
}, 600_000);

test('T-234 D-52 a wheel without that file: a clear error with the next step, and nothing is left', async () => {
  const answer = await pulled(system.corral.poolUrl, 'wheel', 'pypi:six==1.17.0/six/none.gguf');
  expect([answer.status, answer.body['code'], answer.body['message']]).toEqual([503, 'MODEL_NOT_AVAILABLE', expect.stringMatching(/the wheel has no file six\/none\.gguf; it has .*; correct the path/)]);
  expect([await entriesOf(system.corral.poolUrl), await left()]).toEqual([[], []]);
}, 600_000);

test('T-235 D-63 D-24 pulls of one file share its download, show progress, and the same pull twice is one operation', async () => {
  hub.misbehave(({ method }) => (method === 'GET' ? { kind: 'slow', bytesPerS: Math.max(10_000, bytes.length / 5) } : null));
  const before = hub.requests.filter(({ method }) => method === 'GET').length;
  const spec = (model_id: string) => ({ spec: { model_id, sources: [`${hub.url}/m.gguf`], digest: digestOf(bytes), context: 512, slots: 2, pinned: false } });
  const begin = async (id: string) => String((await call(system.corral.poolUrl, 'POST', modelPath(id, '/pull'), spec(id))).body['operation_id']);
  const [first, again, other] = [await begin('one'), await begin('one'), await begin('two')];
  expect(first).toBe(again);
  const seen = new Set<string>();
  for (;;) {
    const { body } = await call(system.corral.poolUrl, 'GET', `/v2/operations/${first}`);
    seen.add(`${String(body['phase'])} ${body['progress'] === null ? '' : 'with a share'}`);
    if (body['state'] !== 'running') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect([...seen]).toContain('downloading with a share');
  hub.misbehave(() => null);
  expect((await pulled(system.corral.poolUrl, 'two', `${hub.url}/m.gguf`, digestOf(bytes))).status).toBe(200);
  expect((await call(system.corral.poolUrl, 'GET', `/v2/operations/${other}`)).body).toMatchObject({ state: 'succeeded', result: { digest: digestOf(bytes) } });
  expect(hub.requests.filter(({ method }) => method === 'GET').length).toBe(before + 1);
  expect(await left()).toEqual([digestOf(bytes).replace(':', '-')]);
  // The file stays as long as one of them needs it.
  expect((await call(system.corral.poolUrl, 'DELETE', modelPath('one'))).status).toBe(204);
  expect(await left()).toEqual([digestOf(bytes).replace(':', '-')]);
  expect((await call(system.corral.poolUrl, 'DELETE', modelPath('two'))).status).toBe(204);
  expect(await left()).toEqual([]);
}, 600_000);

test('T-234 D-06 a link that leads out of the models directory is used in place, and never deleted', async () => {
  const link = join(system.corral.stateDir, 'models', 'link.gguf');
  await symlink(join(dir, 'm.gguf'), link);
  expect((await pulled(system.corral.poolUrl, 'linked', `file:${link}`)).status).toBe(200);
  expect(await entriesOf(system.corral.poolUrl)).toMatchObject([{ model_id: 'linked', external: true }]);
  expect((await call(system.corral.poolUrl, 'DELETE', modelPath('linked'))).status).toBe(204);
  expect([(await readFile(join(dir, 'm.gguf'))).equals(bytes), (await readdir(join(system.corral.stateDir, 'models'))).includes('link.gguf')]).toEqual([true, true]);
}, 600_000);
