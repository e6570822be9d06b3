import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { commitOf } from '@corral/test-kit';
import type { HubRepository } from '@corral/test-kit';
import { aFetchingShop, someBytes } from './a-fetching-shop.js';
import type { FetchingShop } from './a-fetching-shop.js';
import { digestOf } from './a-wheel.js';

const BYTES = someBytes(600_000);
const DIGEST = digestOf(BYTES);
const REPOSITORY: HubRepository = { files: { 'sub/tiny.Q4_1.gguf': BYTES, 'README.md': Buffer.from('# tiny') }, plain: ['README.md'] };
const COMMIT = commitOf(REPOSITORY);
const request = { modelId: 'tiny', sources: ['hf:org/repo/sub/tiny.Q4_1.gguf'], digest: DIGEST };

const open: FetchingShop[] = [];
afterEach(async () => {
  for (const shop of open.splice(0)) await shop.end();
});

async function aShop(repository: Partial<HubRepository> = {}, changes: Parameters<typeof aFetchingShop>[0] = {}) {
  const shop = await aFetchingShop(changes);
  open.push(shop);
  shop.hub.putRepository('org/repo', { ...REPOSITORY, ...repository });
  return { shop, hub: shop.hub };
}

describe('D-55 a file of the hub', () => {
  test('is resolved to a commit, downloaded from where the hub says, and compared with what the hub promises', async () => {
    const { shop, hub } = await aShop();
    const { entry, fetched } = await shop.provisioner.ensurePresent({ ...request, digest: null });
    expect(entry).toMatchObject({ refs: request.sources, digest: DIGEST, sizeBytes: BYTES.length, verification: { result: 'warn' } });
    expect(fetched).toEqual({ scheme: 'hf', bytes: BYTES.length });
    expect((await readFile(entry.localPath)).equals(BYTES)).toBe(true);
    expect(hub.requests.map(({ server, method, path, status }) => `${server} ${method} ${path.replace(/\?.*/, '')} ${status}`)).toEqual([
      'hub HEAD /org/repo/resolve/main/sub/tiny.Q4_1.gguf 302',
      `hub GET /org/repo/resolve/${COMMIT}/sub/tiny.Q4_1.gguf 302`,
      `store GET /blobs/${DIGEST.slice(7)} 200`,
    ]);
    expect((await shop.files()).partial).toEqual([]);
  });

  test('stays of one commit when the branch moves meanwhile', async () => {
    const { shop, hub } = await aShop();
    hub.misbehave(({ range }) => {
      hub.putRepository('org/repo', { files: { 'sub/tiny.Q4_1.gguf': someBytes(600_000, 2) }, commit: 'f'.repeat(40) });
      return range === null ? { kind: 'cut', afterBytes: 200_000 } : null;
    });
    // The old commit is gone from the hub: nothing of the new one is taken for it.
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(hub.requests.filter(({ method }) => method === 'GET').every(({ path }) => path.includes(COMMIT) || path.startsWith('/blobs/'))).toBe(true);
  });

  test('D-50 goes on with the same bytes at another commit', async () => {
    const { shop, hub } = await aShop();
    hub.misbehave(({ range }) => (range === null ? { kind: 'cut', afterBytes: 300_000 } : { kind: 'status', status: 503 }));
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    hub.misbehave(() => null);
    hub.putRepository('org/repo', { ...REPOSITORY, commit: 'a'.repeat(40) });
    const { fetched } = await shop.provisioner.ensurePresent(request);
    expect(fetched?.bytes).toBeLessThan(BYTES.length);
    expect(hub.requests.at(-1)).toMatchObject({ server: 'store', status: 206 });
  });

  test('at another place is the same model', async () => {
    const { shop } = await aShop({}, { env: { HF_ENDPOINT: 'http://127.0.0.1:9/hub/' } });
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('127.0.0.1:9') });
    await expect(shop.another({ env: { HF_ENDPOINT: 'nonsense' } }).ensurePresent(request)).rejects.toMatchObject({
      message: expect.stringContaining('HF_ENDPOINT is "nonsense", which is no address; write https://host, or unset it'),
    });
  });

  test('that contradicts the expected digest is not downloaded', async () => {
    const { shop, hub } = await aShop();
    const other = digestOf(Buffer.from('other'));
    await expect(shop.provisioner.ensurePresent({ ...request, digest: other })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`the hub promises the digest ${DIGEST} for this file instead of ${other}; correct`),
    });
    expect(hub.requests.map(({ method }) => method)).toEqual(['HEAD']);
  });

  test('D-23 that is not what the hub promises leaves nothing', async () => {
    const { shop, hub } = await aShop();
    let isFirst = true;
    hub.misbehave(({ range }) => {
      if (range !== null) return { kind: 'lying_range', shiftBytes: -9 };
      const fault = isFirst ? ({ kind: 'cut', afterBytes: 200_000 } as const) : null;
      isFirst = false;
      return fault;
    });
    await expect(shop.provisioner.ensurePresent({ ...request, digest: null })).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(/what arrived has sha256:\w+ and the hub promises sha256:\w+; try again/),
    });
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
  });

  test('D-10 that the hub has no sha256 of is taken as it comes', async () => {
    const { shop } = await aShop({ files: { 'tiny.gguf': BYTES }, plain: ['tiny.gguf'] });
    const { entry } = await shop.provisioner.ensurePresent({ ...request, sources: ['hf:org/repo'], digest: null });
    expect(entry.digest).toBe(DIGEST);
  });

  test('is asked for again when the hub is busy', async () => {
    const { shop, hub } = await aShop();
    let count = 0;
    hub.misbehave(() => ((count += 1) < 2 ? { kind: 'status', status: 502 } : null));
    expect((await shop.provisioner.ensurePresent(request)).entry.digest).toBe(DIGEST);
    expect(hub.requests.filter(({ server }) => server === 'store').map(({ status }) => status)).toEqual([502, 200]);
  });
});

describe('D-56 the token', () => {
  test('goes to the hub and not to where the hub sends its callers', async () => {
    const { shop, hub } = await aShop({ token: 'secret' }, { env: { HF_TOKEN: ' secret ' } });
    await shop.provisioner.ensurePresent(request);
    expect(hub.requests.map(({ server, authorization }) => [server, authorization])).toEqual([
      ['hub', 'Bearer secret'],
      ['hub', 'Bearer secret'],
      ['store', null],
    ]);
    expect(JSON.stringify(shop.lines)).not.toContain('secret');
  });

  test.each([
    ['is missing', {}, /set HF_TOKEN to a token of your account/],
    ['is one of somebody else', { HF_TOKEN: 'other' }, /see that HF_TOKEN is a token of an account that may read it/],
  ])('%s: the refusal names it and the licence', async (_, env, advice) => {
    const { shop } = await aShop({ token: 'secret' }, { env });
    const failure = expect.objectContaining({ code: 'ACCESS_DENIED', message: expect.stringMatching(advice) });
    await expect(shop.provisioner.ensurePresent(request)).rejects.toEqual(failure);
    await expect(shop.provisioner.ensurePresent({ ...request, sources: ['hf:org/repo'] })).rejects.toEqual(failure);
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ message: expect.stringContaining('accept it on its page') });
  });
});

describe('D-57 which file', () => {
  test('the only GGUF file, wherever in the list it stands', async () => {
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`notes/${n}.md`, Buffer.from(`${n}`)]));
    const { shop, hub } = await aShop({ files: { ...many, 'z/tiny.GGUF': BYTES }, pageSize: 3 });
    expect((await shop.provisioner.ensurePresent({ ...request, sources: ['hf:org/repo'] })).entry.digest).toBe(DIGEST);
    expect(hub.requests.filter(({ path }) => path.startsWith('/api/'))).toHaveLength(3);
  });

  test.each<[string, string, Partial<HubRepository>, RegExp]>([
    ['several', 'hf:org/repo', { files: { 'a.gguf': BYTES, 'b.gguf': BYTES } }, /has 2 GGUF files: a\.gguf, b\.gguf; add the path of one to the source/],
    ['none', 'hf:org/repo', { files: { 'model.safetensors': BYTES } }, /has no GGUF file \(it has model\.safetensors\); use a repository/],
    ['nothing', 'hf:org/repo', { files: {} }, /has no GGUF file \(it is empty\)/],
    ['a path that is not there', 'hf:org/repo/sub/tiny.Q4_0.gguf', {}, /hf:org\/repo has no file sub\/tiny\.Q4_0\.gguf; it has sub\/tiny\.Q4_1\.gguf, README\.md; correct the path/],
    ['a revision that is not there', 'hf:org/repo/x.gguf@v9', {}, /hf:org\/repo@v9 has no revision v9; correct what stands after the @/],
    ['a repository that is not there', 'hf:org/other', {}, /does not exist, or is private or gated/],
    ['parts of a split model', 'hf:org/repo', { files: { 'm-00001-of-00002.gguf': BYTES, 'm-00002-of-00002.gguf': BYTES } }, /part 1 of 2 of a split model.*llama-gguf-split --merge/],
    ['one part, named', 'hf:org/repo/m-00002-of-00002.gguf', {}, /part 2 of 2 of a split model/],
  ])('%s', async (_, source, repository, message) => {
    const { shop } = await aShop(repository);
    await expect(shop.provisioner.ensurePresent({ ...request, sources: [source] })).rejects.toMatchObject({ message: expect.stringMatching(message) });
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
  });

  test('a revision is part of the source', async () => {
    const { shop } = await aShop();
    const source = `hf:org/repo/sub/tiny.Q4_1.gguf@${COMMIT}`;
    expect((await shop.provisioner.ensurePresent({ ...request, sources: [source] })).entry.refs).toEqual([source]);
  });
});
