import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { HubFault } from '@corral/test-kit';
import { eventually } from '@corral/test-kit';
import type { ProvisionProgress } from '../src/index.js';
import { aFetchingShop, someBytes } from './a-fetching-shop.js';
import type { FetchingShop } from './a-fetching-shop.js';
import { digestOf } from './a-wheel.js';

const BYTES = someBytes(1_000_000);
const DIGEST = digestOf(BYTES);

const open: FetchingShop[] = [];
afterEach(async () => {
  for (const shop of open.splice(0)) await shop.end();
});

/** A shop whose hub serves one file at `m.gguf`. */
async function aShop(changes: Parameters<typeof aFetchingShop>[0] = {}) {
  const shop = await aFetchingShop(changes);
  open.push(shop);
  shop.hub.put('m.gguf', BYTES);
  const source = `${shop.hub.url}/m.gguf`;
  const request = { modelId: 'tiny', sources: [source], digest: DIGEST };
  const done = { visible: ['catalog.json', `sha256-${DIGEST.slice(7)}`], partial: [] };
  return { shop, hub: shop.hub, source, request, done };
}

/** Gives these faults to the first requests, in order. */
function inOrder(...faults: readonly (HubFault | null)[]): () => HubFault | null {
  const left = [...faults];
  return () => left.shift() ?? null;
}

describe('D-50 D-51 a file of a server', () => {
  test('is downloaded, verified and catalogued, and nothing else stays', async () => {
    const { shop, hub, source, request, done } = await aShop();
    const seen: ProvisionProgress[] = [];
    const { entry, fetched } = await shop.provisioner.ensurePresent({ ...request, onProgress: (progress) => seen.push(progress) });
    expect(entry).toMatchObject({ refs: [source], digest: DIGEST, external: false, sizeBytes: BYTES.length, verification: { result: 'pass' } });
    expect(fetched).toEqual({ scheme: 'http', bytes: BYTES.length });
    expect((await readFile(entry.localPath)).equals(BYTES)).toBe(true);
    expect(await shop.files()).toEqual(done);
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(['locating', 'downloading', 'verifying', 'inspecting']);
    expect(seen).toContainEqual({ phase: 'downloading', source, bytes: BYTES.length, totalBytes: BYTES.length });
    expect(hub.requests).toEqual([expect.objectContaining({ method: 'GET', range: null, ifRange: null, authorization: null, status: 200 })]);
  });

  test('D-10 without a digest is accepted with a warning', async () => {
    const { shop, request } = await aShop();
    const { entry } = await shop.provisioner.ensurePresent({ ...request, digest: null });
    expect([entry.verification.result, entry.digest]).toEqual(['warn', DIGEST]);
  });

  test('goes on where it was cut, and asks for that version only', async () => {
    const { shop, hub, request, done } = await aShop();
    hub.misbehave(inOrder({ kind: 'cut', afterBytes: 300_000 }, { kind: 'cut', afterBytes: 200_000 }));
    const { fetched } = await shop.provisioner.ensurePresent(request);
    expect(fetched?.bytes).toBe(BYTES.length);
    expect(hub.requests).toHaveLength(3);
    for (const { range, ifRange, status } of hub.requests.slice(1)) {
      expect([ifRange, status]).toEqual([`"${DIGEST.slice(7)}"`, 206]);
      expect(range).toMatch(/^bytes=[1-9]\d*-999999$/);
    }
    expect(await shop.files()).toEqual(done);
  });

  test('that goes by its date is resumed too', async () => {
    const { shop, hub, request } = await aShop();
    const lastModified = 'Thu, 01 Jan 2026 00:00:00 GMT';
    hub.put('m.gguf', BYTES, { etag: null, lastModified });
    hub.misbehave(inOrder({ kind: 'cut', afterBytes: 300_000 }));
    await shop.provisioner.ensurePresent(request);
    expect(hub.requests.map(({ ifRange, status }) => [ifRange, status])).toEqual([[null, 200], [lastModified, 206]]);
  });

  test.each<[string, HubFault]>([
    ['neither ETag nor date', { kind: 'no_validator' }],
    ['a weak ETag', { kind: 'weak_validator' }],
    ['no length', { kind: 'no_length' }],
  ])('with %s begins anew after a cut, since nothing says that it is the same', async (_, fault) => {
    const { shop, hub, request, done } = await aShop();
    // The first answer is cut by its length: the file that is announced is longer than what there is.
    let count = 0;
    hub.misbehave(() => (count++ === 0 ? { kind: 'cut', afterBytes: 300_000 } : fault));
    hub.put('m.gguf', BYTES, { etag: null });
    await shop.provisioner.ensurePresent(request);
    expect(hub.requests.map(({ range, status }) => [range, status])).toEqual([[null, 200], [null, 200]]);
    expect(await shop.files()).toEqual(done);
  });

  test('that changed meanwhile is downloaded anew, whole', async () => {
    const { shop, hub, request } = await aShop();
    const other = someBytes(1_000_000, 2);
    hub.put('m.gguf', other);
    let isFirst = true;
    hub.misbehave(() => {
      if (!isFirst) return null;
      isFirst = false;
      hub.put('m.gguf', BYTES);
      return { kind: 'cut', afterBytes: 300_000 };
    });
    const { entry } = await shop.provisioner.ensurePresent(request);
    expect((await readFile(entry.localPath)).equals(BYTES)).toBe(true);
    expect(hub.requests.map(({ range, status }) => [range === null, status])).toEqual([[true, 200], [false, 200], [true, 200]]);
  });

  test('that changes every time is given up', async () => {
    const { shop, hub, request } = await aShop();
    let seed = 10;
    hub.misbehave(() => {
      hub.put('m.gguf', someBytes(1_000_000, (seed += 1)));
      return { kind: 'cut', afterBytes: 200_000 };
    });
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('another version, again and again'),
    });
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
  });

  test.each<[string, HubFault]>([
    ['sends the whole file instead of a part', { kind: 'ignore_range' }],
    ['sends a part of another version as if nothing were', { kind: 'ignore_if_range' }],
  ])('of a server that %s begins anew', async (_, fault) => {
    const { shop, hub, request } = await aShop();
    hub.put('m.gguf', someBytes(1_000_000, 2));
    hub.misbehave(({ range }) => {
      if (range !== null) return fault;
      if (fault.kind === 'ignore_if_range' && hub.requests.length === 0) {
        setImmediate(() => hub.put('m.gguf', BYTES));
        return { kind: 'cut', afterBytes: 300_000 };
      }
      hub.put('m.gguf', BYTES);
      return hub.requests.length === 0 ? { kind: 'cut', afterBytes: 300_000 } : null;
    });
    const { entry } = await shop.provisioner.ensurePresent(request);
    expect((await readFile(entry.localPath)).equals(BYTES)).toBe(true);
  });

  test('of a server that answers with other parts is not taken from it', async () => {
    const { shop, hub, request } = await aShop();
    hub.misbehave(inOrder({ kind: 'cut', afterBytes: 300_000 }, { kind: 'wrong_range', shiftBytes: -7 }, { kind: 'wrong_range', shiftBytes: -1 }));
    const { entry } = await shop.provisioner.ensurePresent(request);
    expect((await readFile(entry.localPath)).equals(BYTES)).toBe(true);
    expect(hub.requests).toHaveLength(4);
  });

  test('D-23 of a server that lies about its parts fails by its digest, and leaves nothing', async () => {
    const { shop, hub, request } = await aShop();
    hub.misbehave(inOrder({ kind: 'cut', afterBytes: 300_000 }, { kind: 'lying_range', shiftBytes: -7 }));
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringMatching(/has the digest sha256:\w+ instead of sha256:/),
    });
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
    expect((await shop.provisioner.ensurePresent(request)).entry.digest).toBe(DIGEST);
  });

  test('D-23 announced shorter than it is fails by its digest, and leaves nothing', async () => {
    const { shop, hub, request } = await aShop();
    hub.misbehave(inOrder({ kind: 'short_length', bytes: 900_000 }));
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
  });

  test('whose end only the connection tells is taken when a digest says that it is whole', async () => {
    const { shop, hub, request, done } = await aShop();
    hub.misbehave(() => ({ kind: 'until_close' }));
    await shop.provisioner.ensurePresent(request);
    expect(await shop.files()).toEqual(done);
  });

  test('whose end nothing tells is refused', async () => {
    const { shop, hub, request } = await aShop();
    hub.misbehave(() => ({ kind: 'until_close', bytes: 1_000 }));
    await expect(shop.provisioner.ensurePresent({ ...request, digest: null })).rejects.toMatchObject({
      code: 'FETCH_FAILED',
      message: expect.stringContaining('give the model a digest, so that a file cut short is noticed'),
    });
  });
});

describe('D-50 what was brought outlives the fetch', () => {
  test('a fetch that fails leaves what the next one goes on with', async () => {
    const { shop, hub, request, done } = await aShop();
    hub.misbehave(({ range }) => (range === null ? { kind: 'cut', afterBytes: 400_000 } : { kind: 'status', status: 503 }));
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'UNREACHABLE', retriable: true });
    const [sidecar] = await shop.sidecars();
    const [[start, end] = [1, 0]] = (sidecar?.['ranges'] ?? []) as [number, number][];
    expect([start, end > 0, sidecar?.['size_bytes'], sidecar?.['etag']]).toEqual([0, true, BYTES.length, `"${DIGEST.slice(7)}"`]);
    expect(await shop.files()).toMatchObject({ visible: [] });
    hub.misbehave(() => null);
    const { fetched } = await shop.provisioner.ensurePresent(request);
    expect(fetched?.bytes).toBe(BYTES.length - end);
    expect(await shop.files()).toEqual(done);
  });

  test('so does one that is canceled, at once', async () => {
    const { shop, hub, request, done } = await aShop();
    const stalled = new Promise<void>((resolve) => {
      hub.misbehave(() => ({ kind: 'stall', afterBytes: 400_000, onStall: resolve }));
    });
    const stop = new AbortController();
    const call = shop.provisioner.ensurePresent({ ...request, signal: stop.signal });
    await stalled;
    await eventually('durable bytes', 60_000, async () => ((await shop.sidecars())[0]?.['ranges'] as unknown[] | undefined)?.length === 1);
    const startedMs = performance.now();
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELED' });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    hub.misbehave(() => null);
    await shop.provisioner.ensurePresent(request);
    expect(hub.requests.at(-1)?.status).toBe(206);
    expect(await shop.files()).toEqual(done);
  });

  test('another source brings the model: what the first one left goes', async () => {
    const { shop, hub, request, done } = await aShop();
    hub.put('other.gguf', BYTES);
    hub.misbehave(({ path, range }) =>
      path === '/other.gguf' ? null : range === null ? { kind: 'cut', afterBytes: 400_000 } : { kind: 'status', status: 500 },
    );
    const { entry } = await shop.provisioner.ensurePresent({ ...request, sources: [...request.sources, `${hub.url}/other.gguf`] });
    expect(entry.refs[0]).toBe(`${hub.url}/other.gguf`);
    expect(await shop.files()).toEqual(done);
  });

  test('D-20 a file that the engine cannot read is not kept as half a download', async () => {
    const { shop, request } = await aShop({ inspect: () => Promise.reject(new Error('invalid magic')) });
    await expect(shop.provisioner.ensurePresent({ ...request, digest: null })).rejects.toMatchObject({ code: 'INSPECT_FAILED' });
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
  });
});

describe('D-52 what can go wrong is told with the next step', () => {
  test.each<[string, HubFault, string, RegExp, number]>([
    ['a login', { kind: 'status', status: 401 }, 'ACCESS_DENIED', /refuses with status 401; download the file with your own access/, 1],
    ['nothing there', { kind: 'status', status: 404 }, 'NOT_FOUND', /has no such file \(status 404\); correct the address/, 1],
    ['a busy server', { kind: 'status', status: 503 }, 'UNREACHABLE', /answered with status 503; try again later/, 3],
    ['a wait that is too long', { kind: 'status', status: 429, headers: { 'retry-after': '7200' } }, 'UNREACHABLE', /status 429; try again later \(it asks to wait 2 h\)/, 1],
    ['a redirect to nowhere', { kind: 'redirect', to: 'http://' }, 'FETCH_FAILED', /redirects to nowhere; correct the address/, 1],
    ['a redirect to elsewhere', { kind: 'redirect', to: 'ftp://host/m.gguf' }, 'FETCH_FAILED', /redirects to a ftp: address/, 1],
    ['a circle', { kind: 'redirect', to: '/m.gguf' }, 'FETCH_FAILED', /redirects in a circle/, 1],
    ['an encoded file', { kind: 'encoded' }, 'FETCH_FAILED', /encodes the file as gzip/, 1],
  ])('%s', async (_, fault, code, message, tries) => {
    const { shop, hub, request } = await aShop();
    hub.misbehave(() => fault);
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(hub.requests).toHaveLength(tries);
    expect(await shop.files()).toEqual({ visible: [], partial: [] });
  });

  test('a file that is empty', async () => {
    const { shop, hub, request } = await aShop();
    hub.put('m.gguf', Buffer.alloc(0));
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'FETCH_FAILED', message: expect.stringContaining('an empty file') });
  });

  test('a name that nobody knows, at once', async () => {
    const { shop, request } = await aShop({ env: { HTTP_PROXY: '' } });
    await expect(shop.provisioner.ensurePresent({ ...request, sources: ['http://corral.invalid/m.gguf'] })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/corral\.invalid.*(correct the address|check the network)/),
    });
  });

  test('nobody there', async () => {
    const { shop, request } = await aShop();
    await expect(shop.provisioner.ensurePresent({ ...request, sources: ['http://127.0.0.1:9/m.gguf'] })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('no connection to 127.0.0.1:9 (ECONNREFUSED)'),
    });
  });

  test('a server without TLS where there should be one', async () => {
    const { shop, hub, request } = await aShop();
    await expect(shop.provisioner.ensurePresent({ ...request, sources: [hub.url.replace('http', 'https') + '/m.gguf'] })).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('does not speak TLS'),
    });
  });

  test('redirects that lead somewhere are followed', async () => {
    const { shop, hub, request, done } = await aShop();
    hub.misbehave(({ path }) => (path === '/m.gguf' ? { kind: 'redirect', to: '/b.gguf', status: 307 } : null));
    hub.put('b.gguf', BYTES);
    await shop.provisioner.ensurePresent(request);
    expect(await shop.files()).toEqual(done);
  });

  test('Retry-After is waited for', async () => {
    const { shop, hub, request } = await aShop();
    hub.misbehave(inOrder({ kind: 'status', status: 503, headers: { 'retry-after': '1' } }));
    const startedMs = performance.now();
    await shop.provisioner.ensurePresent(request);
    expect(performance.now() - startedMs).toBeGreaterThan(990);
  });
});

describe('D-53 several connections', () => {
  const web = { connections: 4 };

  test('bring one file, each byte once', async () => {
    const { shop, hub, request, done } = await aShop({ web });
    hub.misbehave(() => ({ kind: 'slow', bytesPerS: 1_500_000 }));
    const { entry, fetched } = await shop.provisioner.ensurePresent(request);
    expect((await readFile(entry.localPath)).equals(BYTES)).toBe(true);
    expect(fetched?.bytes).toBe(BYTES.length);
    const parts = hub.requests.filter(({ range }) => range !== null);
    expect(parts.length).toBeGreaterThanOrEqual(3);
    expect(parts.every(({ ifRange, status }) => ifRange === `"${DIGEST.slice(7)}"` && status === 206)).toBe(true);
    expect(await shop.files()).toEqual(done);
  });

  test('are not used where only the date tells versions apart', async () => {
    const { shop, hub, request } = await aShop({ web });
    hub.put('m.gguf', BYTES, { etag: null, lastModified: 'Thu, 01 Jan 2026 00:00:00 GMT' });
    await shop.provisioner.ensurePresent(request);
    expect(hub.requests).toHaveLength(1);
  });

  test('that the server refuses leave the work to the first one', async () => {
    const { shop, hub, request, done } = await aShop({ web });
    hub.misbehave(({ range }) => (range === null ? { kind: 'slow', bytesPerS: 1_500_000 } : { kind: 'status', status: 429 }));
    // What they had taken over is asked for by whoever is free, at last by the first, who may not ask either.
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    hub.misbehave(() => null);
    await shop.provisioner.ensurePresent(request);
    expect(await shop.files()).toEqual(done);
  });

  test('that are cut at different places still bring one file', async () => {
    const { shop, hub, request } = await aShop({ web });
    let count = 0;
    hub.misbehave(() => ((count += 1) % 3 === 0 ? null : { kind: 'cut', afterBytes: 50_000 + 1_000 * count }));
    const { entry } = await shop.provisioner.ensurePresent(request);
    expect((await readFile(entry.localPath)).equals(BYTES)).toBe(true);
  });
});

describe('D-54 D-58 pace', () => {
  test('all downloads together keep to the rate', async () => {
    const { shop, hub, request } = await aShop({ web: { bandwidthBytesPerS: 1_000_000 } });
    hub.put('b.gguf', someBytes(1_000_000, 3));
    const startedMs = performance.now();
    await Promise.all([
      shop.provisioner.ensurePresent(request),
      shop.provisioner.ensurePresent({ modelId: 'b', sources: [`${hub.url}/b.gguf`], digest: null }),
    ]);
    expect(performance.now() - startedMs).toBeGreaterThan(1_600);
  });

  test('a connection that stays silent is given up, and the next one goes on', async () => {
    const { shop, hub, request, done } = await aShop({ web: { idleMs: 1_500 } });
    hub.misbehave(inOrder({ kind: 'stall', afterBytes: 300_000 }));
    await shop.provisioner.ensurePresent(request);
    expect(hub.requests.map(({ status }) => status)).toEqual([200, 206]);
    expect(await shop.files()).toEqual(done);
  });

  test('a server that only trickles is told', async () => {
    const { shop, hub, request } = await aShop({ web: { slowMs: 300, leastBytesPerS: 1_000_000, attempts: 1 } });
    hub.misbehave(() => ({ kind: 'slow', bytesPerS: 20_000 }));
    await expect(shop.provisioner.ensurePresent(request)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/brings only .* a second; check the network/),
    });
  });
});

describe('D-59 proxies', () => {
  /** A proxy that knows one way only. */
  async function aProxy(target: string) {
    const asked: string[] = [];
    const { port } = new URL(target);
    const proxy = createServer((_, response) => response.writeHead(500).end());
    proxy.on('connect', (request, socket, head) => {
      asked.push(request.url ?? '');
      const upstream = connect(Number(port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    return { proxy, asked, url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  }

  test('HTTP_PROXY leads to the server, unless NO_PROXY names it', async () => {
    const { shop, hub, request } = await aShop();
    const { proxy, asked, url } = await aProxy(hub.url);
    try {
      const wish = { ...request, sources: [`http://models.invalid/m.gguf`] };
      await shop.another({ env: { HTTP_PROXY: url } }).ensurePresent(wish);
      expect(asked).toEqual(['models.invalid:80']);
      const direct = shop.another({ env: { HTTP_PROXY: url, NO_PROXY: '127.0.0.1' } });
      await direct.ensurePresent({ ...request, modelId: 'direct', digest: null });
      expect(asked).toHaveLength(1);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

describe('D-24 one download for everyone who wants the same', () => {
  test('two calls share it, under one id or two', async () => {
    const { shop, hub, request } = await aShop();
    const provided = await Promise.all([request, request, { ...request, modelId: 'alias' }].map((wish) => shop.provisioner.ensurePresent(wish)));
    expect(provided.filter(({ fetched }) => fetched !== null)).toHaveLength(1);
    expect(hub.requests).toHaveLength(1);
  });

  test('another provisioner on the same catalog does not write into what one writes', async () => {
    const { shop, hub, request } = await aShop();
    const stalled = new Promise<void>((resolve) => {
      hub.misbehave(inOrder({ kind: 'stall', afterBytes: 400_000, onStall: resolve }));
    });
    const stop = new AbortController();
    const call = shop.provisioner.ensurePresent({ ...request, signal: stop.signal });
    await stalled;
    await expect(shop.another({}).ensurePresent(request)).rejects.toMatchObject({ code: 'BUSY', retriable: true });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: 'CANCELED' });
    expect((await shop.provisioner.ensurePresent(request)).entry.digest).toBe(DIGEST);
  });
});
