import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { authGate, createHttpApp, listen, silentLog, type Gate, type Listening } from '@corral/service-kit';
import { dashboardFolder, readSite, type Site } from '../src/dashboard/read-site.js';
import { dashboardRoutes, isDashboardPath } from '../src/http/dashboard.routes.js';
import { metaRoutes, type MetaRoutesParts } from '../src/http/meta.routes.js';

const SCRIPT = `export const words = ${JSON.stringify('corral '.repeat(200))};`;
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

let folder: string;
let server: Listening;

/** No token is configured by the caller, and one is needed: what is answered here is open. */
async function serving(site: Site, auth: Gate = authGate({ tokens: ['a-token-of-more-than-thirty-two-characters'] })): Promise<Listening> {
  const app = createHttpApp({
    log: silentLog,
    auth,
    isOpenPath: isDashboardPath,
    routes: (routes) => {
      metaRoutes(routes, {} as MetaRoutesParts);
      dashboardRoutes(routes, { site });
    },
  });
  return listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-site-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Corral</title>');
  await writeFile(join(folder, 'assets/index-abc123.js'), SCRIPT);
  await writeFile(join(folder, 'secret.env'), 'TOKEN=1');
  server = await serving(await readSite(folder));
});

afterAll(async () => {
  await server.close(1_000);
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, server.url), { redirect: 'manual', headers: { accept: BROWSER, ...headers } });

describe('the dashboard', () => {
  test('B-46 U-01 U-02 its document is open to everyone, is asked for anew, and allows its own server alone', async () => {
    const answer = await get('/ui/');
    expect([answer.status, await answer.text(), answer.headers.get('cache-control'), answer.headers.get('content-type')]).toEqual([200, '<!doctype html><title>Corral</title>', 'no-cache', 'text/html; charset=utf-8']);
    expect(answer.headers.get('content-security-policy')?.split('; ')).toEqual(["default-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "object-src 'none'", "require-trusted-types-for 'script'"]);
  });

  test('U-02 a file named after its contents may be kept, comes packed, and is not sent twice', async () => {
    const packed = await raw('/ui/assets/index-abc123.js', { 'accept-encoding': 'gzip' });
    expect([packed.headers['cache-control'], packed.headers['content-encoding'], gunzipSync(packed.body).toString()]).toEqual(['public, max-age=31536000, immutable', 'gzip', SCRIPT]);
    const plain = await raw('/ui/assets/index-abc123.js', { 'accept-encoding': 'identity' });
    expect([plain.headers['content-encoding'], plain.body.toString()]).toEqual([undefined, SCRIPT]);
    const again = await raw('/ui/assets/index-abc123.js', { 'if-none-match': String(packed.headers.etag) });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  test('U-01 a page of the application has the document, a missing file has none', async () => {
    const statuses = await Promise.all(['/ui/instances/default/bot', '/ui/assets/index-gone.js', '/ui/gone.svg', '/ui/../secret.env', '/ui/secret.env', '/ui/%2e%2e/package.json'].map(async (path) => (await raw(path, { accept: BROWSER })).status));
    expect(statuses).toEqual([200, 404, 404, 404, 404, 404]);
    expect((await get('/ui/instances', { accept: 'application/json' })).status).toBe(404);
  });

  test('U-01 browsers are sent there from the root, programs are not', async () => {
    const [root, short, program] = await Promise.all([get('/'), get('/ui', { accept: '*/*' }), get('/', { accept: '*/*' })]);
    expect([root.status, root.headers.get('location'), short.status, short.headers.get('location'), program.status]).toEqual([302, '/ui/', 302, '/ui/', 404]);
  });

  test('U-01 only reading is open', async () => {
    const [posted, api] = await Promise.all([fetch(new URL('/ui/', server.url), { method: 'POST' }), get('/v2/pools')]);
    expect([posted.status, api.status]).toEqual([405, 401]);
  });

  test('U-16 every caller is told its org, its role and its key', async () => {
    const principal = { orgId: 'acme', role: 'member', keyId: 'k1', identity: 'key:k1' };
    const asked = await serving(new Map(), () => ({ identity: principal.identity, principal }));
    const answer = await fetch(new URL('/v2/meta/caller', asked.url));
    await asked.close(1_000);
    expect(await answer.json()).toEqual({ org_id: 'acme', role: 'member', key_id: 'k1' });
  });

  test('U-01 where it was not built, the page says what to do', async () => {
    const bare = await serving(new Map());
    const answer = await fetch(new URL('/ui/', bare.url));
    await bare.close(1_000);
    expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ message: expect.stringContaining('node scripts/build.mjs') })]);
  });

  test('B-46 U-02 what is built is found, and takes nothing from another host', async () => {
    const site = await readSite(dashboardFolder() ?? '');
    const document = site.get('index.html')?.bytes.toString() ?? '';
    const files = [...document.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((path) => !site.has(path.replace('/ui/', '')))).toEqual([]);
    const styles = [...site].filter(([name]) => name.endsWith('.css')).map(([, { bytes }]) => bytes.toString());
    expect(styles.join('').match(/url\(|@import/g)).toBeNull();
  });
});

/** Without what a browser would do to the path and to the body. */
function raw(path: string, headers: Record<string, string>): Promise<{ readonly status: number | undefined; readonly headers: import('node:http').IncomingHttpHeaders; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    request({ hostname, port, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
    })
      .on('error', reject)
      .end();
  });
}
