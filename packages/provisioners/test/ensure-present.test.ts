import { mkdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { CatalogEntry } from '@corral/catalog-core';
import { parseFetchPolicy } from '../src/index.js';
import { digestOf } from './a-wheel.js';
import { aWorkshop, FACTS } from './a-workshop.js';
import type { Workshop } from './a-workshop.js';

const GGUF = Buffer.from('GGUF tiny');
const DIGEST = digestOf(GGUF);
const OTHER = digestOf(Buffer.from('something else'));

const open: Workshop[] = [];
afterEach(async () => {
  for (const workshop of open.splice(0)) await workshop.end();
});

/** A workshop with one model file outside the models directory. */
async function aShop(changes: Parameters<typeof aWorkshop>[0] = {}) {
  const shop = await aWorkshop(changes);
  open.push(shop);
  const file = join(shop.dir, 'tiny.gguf');
  await writeFile(file, GGUF);
  return { shop, file, request: { modelId: 'tiny', sources: [`file:${file}`], digest: DIGEST } };
}

describe('D-20 D-21 a file in place', () => {
  test('T-68 D-02 D-03 is catalogued as active without being touched, with the facts of the engine', async () => {
    const { shop, file, request } = await aShop();
    const before = await stat(file);
    const { entry, fetched } = await shop.provisioner.ensurePresent(request);
    expect(fetched).toBeNull();
    const wanted: CatalogEntry = {
      id: 'tiny',
      refs: [`file:${file}`],
      digest: DIGEST,
      localPath: file,
      external: true,
      sizeBytes: GGUF.length,
      modifiedMs: Math.trunc(before.mtimeMs),
      lifecycle: 'Active',
      verification: { result: 'pass', reason: 'the file has the expected digest' },
      digestGiven: true,
      lastVerifiedMs: expect.any(Number) as unknown as number,
      createdMs: entry.lastVerifiedMs,
      lastUsedMs: null,
      retiredAtMs: null,
      pinned: false,
      tags: [],
      facts: FACTS,
      factsKey: 'engine 1',
    };
    expect(entry).toEqual(wanted);
    expect(shop.store.list()).toEqual([entry]);
    expect(await stat(file)).toEqual(expect.objectContaining({ ino: before.ino, mtimeMs: before.mtimeMs, size: before.size }));
    expect(await shop.files()).toEqual({ visible: ['catalog.json'], partial: [] });
    expect(shop.lines).toEqual([expect.objectContaining({ level: 'info', message: 'model present' })]);
  });

  test('is not read again while size and time stay', async () => {
    const { shop, request } = await aShop();
    const first = await shop.provisioner.ensurePresent(request);
    const seen: unknown[] = [];
    expect(await shop.provisioner.ensurePresent({ ...request, onProgress: (progress) => seen.push(progress) })).toEqual(first);
    expect([seen, shop.inspected]).toEqual([[], ['GGUF']]);
  });

  test('D-10 without a digest is accepted with a warning that tells what to do', async () => {
    const { shop, request } = await aShop();
    const { entry } = await shop.provisioner.ensurePresent({ ...request, digest: null });
    expect([entry.verification.result, entry.digest, entry.lifecycle]).toEqual(['warn', DIGEST, 'Active']);
    const { entry: pinned } = await shop.provisioner.ensurePresent(request);
    expect([pinned.verification.result, pinned.createdMs, shop.inspected.length]).toEqual(['pass', entry.createdMs, 1]);
  });

  test('inside the models directory belongs to it', async () => {
    const { shop } = await aShop();
    await writeFile(join(shop.store.dir, 'own.gguf'), GGUF);
    await symlink(join(shop.store.dir, 'own.gguf'), join(shop.dir, 'link.gguf'));
    const { entry } = await shop.provisioner.ensurePresent({ modelId: 'own', sources: [join(shop.dir, 'link.gguf')], digest: null });
    expect([entry.external, entry.localPath]).toEqual([false, join(shop.store.dir, 'own.gguf')]);
  });

  test.each([
    ['the index itself', 'models/catalog.json', 'a file of the catalog itself'],
    ['T-66 an unfinished file', 'models/.partial/x/m.gguf', 'a file of the catalog itself'],
    ['a directory', 'models', 'is a directory'],
    ['nothing', 'nobody.gguf', 'ENOENT'],
  ])('is refused when it is %s', async (_, path, reason) => {
    const { shop } = await aShop();
    await mkdir(join(shop.store.dir, '.partial', 'x'), { recursive: true });
    await Promise.all([
      writeFile(join(shop.store.dir, '.partial', 'x', 'm.gguf'), GGUF),
      writeFile(join(shop.store.dir, 'catalog.json'), '{}'),
    ]);
    await expect(shop.provisioner.ensurePresent({ modelId: 'x', sources: [join(shop.dir, path)], digest: null })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(reason),
    });
    expect(shop.store.list()).toEqual([]);
  });
});

describe('D-21 the catalog comes first', () => {
  test('two models with the same bytes share the file and the facts', async () => {
    const { shop, file, request } = await aShop();
    await shop.provisioner.ensurePresent(request);
    const { entry } = await shop.provisioner.ensurePresent({ modelId: 'alias', sources: ['hf:org/repo/m.gguf'], digest: DIGEST });
    expect([entry.localPath, entry.refs, entry.facts, shop.inspected.length]).toEqual([
      file,
      [`file:${file}`, 'hf:org/repo/m.gguf'],
      FACTS,
      1,
    ]);
  });

  test('another source without a digest is another model', async () => {
    const { shop, request } = await aShop();
    await shop.provisioner.ensurePresent({ ...request, digest: null });
    const second = join(shop.dir, 'second.gguf');
    await writeFile(second, 'GGUF second');
    const { entry } = await shop.provisioner.ensurePresent({ ...request, sources: [second], digest: null });
    expect([entry.localPath, entry.refs, shop.inspected.length]).toEqual([second, [`file:${second}`], 2]);
  });

  test('a reference leads to the entry that knows it under another id', async () => {
    const { shop, file, request } = await aShop();
    await shop.provisioner.ensurePresent({ ...request, sources: [`file:${file}`, 'hf:org/repo/m.gguf'] });
    const wish = { modelId: 'alias', sources: ['hf:org/repo/m.gguf'], digest: null };
    const { entry } = await shop.provisioner.ensurePresent(wish);
    expect(entry.localPath).toBe(file);
    expect(await shop.provisioner.ensurePresent(wish)).toEqual({ entry, fetched: null });
  });

  test('a file named after its digest is found again without its entry, once it is verified', async () => {
    const { shop } = await aShop();
    const blob = join(shop.store.dir, `sha256-${DIGEST.slice(7)}`);
    await writeFile(blob, 'damaged!!');
    const wish = { modelId: 'tiny', sources: ['s3://bucket/m.gguf'], digest: DIGEST };
    await expect(shop.provisioner.ensurePresent(wish)).rejects.toMatchObject({ code: 'NO_FETCHER' });
    await writeFile(blob, GGUF);
    const { entry } = await shop.provisioner.ensurePresent(wish);
    expect([entry.localPath, entry.external, entry.verification.result]).toEqual([blob, false, 'pass']);
  });

  test('facts of another engine version are read again', async () => {
    const { shop, request } = await aShop();
    await shop.provisioner.ensurePresent(request);
    const { entry } = await shop.another({ factsKey: 'engine 2' }).ensurePresent(request);
    expect([entry.factsKey, shop.inspected.length]).toEqual(['engine 2', 2]);
  });

  test('what an operator set stays when the entry is renewed', async () => {
    const { shop, request } = await aShop();
    await shop.provisioner.ensurePresent(request);
    await shop.store.update('tiny', (entry) => ({ ...entry, pinned: true, tags: ['chat'], lastUsedMs: 5 }));
    const { entry } = await shop.another({ factsKey: 'engine 2' }).ensurePresent(request);
    expect([entry.pinned, entry.tags, entry.lastUsedMs]).toEqual([true, ['chat'], 5]);
  });

  test('D-09 a retired model is refused and stays retired', async () => {
    const { shop, request } = await aShop();
    await shop.provisioner.ensurePresent(request);
    await shop.store.setState('tiny', 'Retired', 1);
    for (const digest of [DIGEST, OTHER]) {
      await expect(shop.provisioner.ensurePresent({ ...request, digest })).rejects.toMatchObject({
        code: 'RETIRED',
        message: expect.stringContaining('activate tiny'),
      });
    }
    expect(shop.store.get('tiny')?.lifecycle).toBe('Retired');
  });
});

describe('D-10 D-23 a file that is not what it should be', () => {
  test('T-62 a wrong digest names both digests and leaves no entry', async () => {
    const { shop, request } = await aShop();
    await expect(shop.provisioner.ensurePresent({ ...request, digest: OTHER })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      retriable: true,
      message: expect.stringMatching(new RegExp(`has the digest ${DIGEST} instead of ${OTHER}; correct`)),
    });
    expect([shop.store.list(), shop.inspected]).toEqual([[], []]);
  });

  test('a file touched since is verified again and keeps its facts', async () => {
    const { shop, file, request } = await aShop();
    await shop.provisioner.ensurePresent(request);
    await utimes(file, 7, 7);
    const { entry } = await shop.provisioner.ensurePresent(request);
    expect([entry.modifiedMs, entry.verification.result, shop.inspected.length]).toEqual([7_000, 'pass', 1]);
  });

  test.each([
    ['replaced by one of the same size', 'GGUF TINY', /has sha256:.* instead of sha256:/],
    ['replaced by a longer one', 'GGUF much longer', /has 16 bytes instead of 9/],
  ])('a file %s fails, and its entry says why', async (_, content, reason) => {
    const { shop, file, request } = await aShop();
    await shop.provisioner.ensurePresent(request);
    await writeFile(file, content);
    await utimes(file, 7, 7);
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(shop.store.get('tiny')?.verification).toEqual({ result: 'fail', reason: expect.stringMatching(reason) });
    await writeFile(file, GGUF);
    expect((await shop.provisioner.ensurePresent(request)).entry.verification.result).toBe('pass');
  });

  test('without a digest a replaced file is a new model under the old id', async () => {
    const { shop, file, request } = await aShop();
    await shop.provisioner.ensurePresent({ ...request, digest: null });
    await writeFile(file, 'GGUF replaced');
    const { entry } = await shop.provisioner.ensurePresent({ ...request, digest: null });
    expect([entry.digest, entry.sizeBytes, shop.inspected.length]).toEqual([digestOf(Buffer.from('GGUF replaced')), 13, 2]);
  });

  test('D-20 a file that the engine cannot read is a failure that names it, and no entry', async () => {
    const inspect = () => Promise.reject(new Error('invalid magic'));
    const { shop, file, request } = await aShop({ inspect });
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({
      code: 'INSPECT_FAILED',
      retriable: false,
      message: expect.stringMatching(`${file} cannot be read by the engine: invalid magic; check`),
    });
    expect(shop.store.list()).toEqual([]);
  });
});

describe('D-21 several sources', () => {
  test('are tried in order, and the failures before a success are logged', async () => {
    const { shop, file, request } = await aShop();
    const { entry } = await shop.provisioner.ensurePresent({ ...request, sources: ['/nobody.gguf', 'gs://b/m', `file:${file}`] });
    expect(entry.refs).toEqual([`file:${file}`, 'file:/nobody.gguf']);
    expect(shop.lines.map(({ level, message, fields }) => [level, message, (fields as { code?: string }).code])).toEqual([
      ['warn', 'model source failed', 'NOT_FOUND'],
      ['warn', 'model source failed', 'INVALID_SOURCE'],
      ['info', 'model present', undefined],
    ]);
  });

  test('that all fail are reported together, in order', async () => {
    const { shop } = await aShop();
    const sources = ['/nobody.gguf', 'oci://registry/m:1', 'file:../x.gguf', 's3://bucket/m'];
    await expect(shop.provisioner.ensurePresent({ modelId: 'x', sources, digest: null })).rejects.toMatchObject({
      code: 'SOURCES_FAILED',
      retriable: false,
      message: expect.stringMatching(/^model "x" could not be provided by any of its 4 sources: \(1\) .*\(2\) .*\(3\) .*\(4\) /),
      attempts: [
        { source: '/nobody.gguf', code: 'NOT_FOUND', message: expect.stringContaining('ENOENT') },
        {
          source: 'oci://registry/m:1',
          code: 'NO_FETCHER',
          message: expect.stringContaining('cannot fetch oci: sources; download the file'),
        },
        { source: 'file:../x.gguf', code: 'INVALID_SOURCE', message: expect.stringContaining('".."') },
        { source: 's3://bucket/m', code: 'NO_FETCHER', message: expect.stringContaining('or use https:, hf: or pypi:') },
      ],
    });
  });

  test.each([
    ['no source', { sources: [] }, '0 sources'],
    ['too many', { sources: Array.from({ length: 17 }, () => '/x') }, '17 sources'],
    ['T-66 an id with ..', { modelId: '../x' }, '".."'],
    ['a digest that is none', { digest: 'md5:1' }, 'sha256'],
  ])('%s: the request is refused', async (_, change, reason) => {
    const { shop, request } = await aShop();
    await expect(shop.provisioner.ensurePresent({ ...request, ...change })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining(reason),
    });
  });
});

test('T-67 D-22 a source that policy forbids is refused at once with the name of the variable', async () => {
  const parsed = parseFetchPolicy('file');
  if (parsed.kind === 'refused') throw new Error(parsed.message);
  const { shop, request } = await aShop({ policy: parsed.policy });
  const sources = ['hf:org/repo/m.gguf', 'pypi:tiny-model==1.0/m.gguf'];
  await expect(shop.provisioner.ensurePresent({ ...request, sources })).rejects.toMatchObject({
    attempts: [
      expect.objectContaining({
        code: 'NOT_ALLOWED',
        message: expect.stringContaining('FETCH_ALLOW=file does not allow hf: sources; add hf to FETCH_ALLOW'),
      }),
      expect.objectContaining({ code: 'NOT_ALLOWED' }),
    ],
  });
  expect((await shop.provisioner.ensurePresent(request)).entry.id).toBe('tiny');
});
