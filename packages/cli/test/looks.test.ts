import { afterEach, describe, expect, test } from '@jest/globals';
import { json, refuse, startFakeServer, empty, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';
import { aModel, aNode, aPool, aReplica, health, list, models } from './wire.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serving(handlers: Readonly<Record<string, Handler>>): Promise<FakeServer> {
  return (server = await startFakeServer(handlers));
}

const home = {
  'GET /health': json(health),
  'GET /ready': json({ ready: true, reason: null }),
  'GET /v1/models': json(models('chat-small', 'smollm2')),
  'GET /v2/catalog/models?limit=1000': json({ ...list(aModel(), aModel({ id: 'old', state: 'Retired', pinned: true, size_bytes: null })), total: 2, catalog_version: 3 }),
  'GET /v2/nodes': json(list(aNode())),
  'GET /v2/pools': json(list(aPool({ replicas: [aReplica()] }))),
};

describe('what a running server shows', () => {
  test('ps lists each replica with where it is, and --json prints an array', async () => {
    const { url } = await serving(home);
    const shown = await runCorral(['ps', '--url', url]);
    expect(shown).toEqual({
      code: 0,
      err: '',
      out: expect.stringMatching(/^MODEL +POOL +NODE .*\nsmollm2 +cpu +home +cpu +resident +3\/4 +150 MiB +\d+ h.* ago +r1 +-\n$/),
    });
    const asked = await runCorral(['--json', 'ps', '--url', url]);
    expect(JSON.parse(asked.out)).toEqual([{ ...aReplica(), pool_id: 'cpu', node_id: 'home', device: 'cpu' }]);
  });

  test('pools and nodes print the data of the server as arrays', async () => {
    const { url } = await serving(home);
    expect(JSON.parse((await runCorral(['pools', '--json', '--url', url])).out)).toEqual([aPool({ replicas: [aReplica()] })]);
    expect(JSON.parse((await runCorral(['nodes', '--json', '--url', url])).out)).toEqual([aNode()]);
  });

  test('B-27 models ls names what can be asked for, where it lies and where it is resident, and what is retired', async () => {
    const { url } = await serving(home);
    const { out } = await runCorral(['models', 'ls', '--json', '--url', url]);
    expect(JSON.parse(out)).toEqual([
      { id: 'chat-small', owned_by: 'default', state: null, pinned: null, size_bytes: null, tags: [], nodes: [], replicas: [] },
      { id: 'smollm2', owned_by: 'default', state: 'Active', pinned: false, size_bytes: 98_362_432, tags: ['small'], nodes: ['home'], replicas: [{ pool_id: 'cpu', replica_id: 'r1', state: 'resident' }] },
      { id: 'old', owned_by: 'corral', state: 'Retired', pinned: true, size_bytes: null, tags: ['small'], nodes: [], replicas: [] },
    ]);
  });

  test('status of a server that is not ready is an answer, with its reason', async () => {
    const { url } = await serving({
      ...home,
      'GET /ready': json({ ready: false, reason: 'no GPU; start with --allow-cpu' }, 503),
      'GET /v2/pools': json(list(aPool({ ready: false }))),
    });
    const { code, out } = await runCorral(['status', '--json', '--url', url]);
    expect([code, JSON.parse(out)]).toEqual([
      0,
      {
        url,
        version: '0.1.0',
        ready: false,
        reason: 'no GPU; start with --allow-cpu',
        nodes: { online: 1, total: 1 },
        pools: { ready: 0, total: 1 },
        memory: { used_bytes: 157_286_400, total_bytes: 1_073_741_824 },
        slots: { free: 3, total: 4 },
        resident: [],
      },
    ]);
    expect((await runCorral(['status', '--url', url])).out.split('\n')[0]).toBe(
      `corral 0.1.0 at ${url}: not ready: no GPU; start with --allow-cpu`,
    );
  });

  test('C-176 ps and pools tell of a model that is left alone: why, how often, when next, and how to reset', async () => {
    const error = 'killed; it failed 5 times in a row, so pool cpu leaves it alone for 5 min; corral reset cpu tries at once';
    const held = aReplica({ state: 'failed', pid: null, ready_since_ms: null, last_error: error, restarts: 4, failures: 5, breaker: { state: 'open', retry_at_ms: Date.now() + 240_000 } });
    const { url } = await serving({ 'GET /v2/pools': json(list(aPool({ last_error: error, replicas: [held] }))) });
    expect((await runCorral(['ps', '--url', url])).out).toMatch(/failed .* killed; it failed 5 times in a row, .*; corral reset cpu tries at once; restarted 4 times; next try in (4 min|3 min \d+ s)\n$/);
    expect((await runCorral(['pools', '--url', url])).out).toMatch(/corral reset cpu tries at once; next try in (4 min|3 min \d+ s)\n$/);
  });

  test('C-52 reset asks for the pool that it names', async () => {
    const { url, seen } = await serving({ 'POST /v2/pools/cpu/reset': json({}, 202) });
    expect(await runCorral(['reset', 'cpu', '--url', url])).toEqual({ code: 0, out: 'reset cpu: its failures are forgotten, and what is wanted there is tried at once\n', err: '' });
    expect(seen.map(({ call }) => call)).toEqual(['POST /v2/pools/cpu/reset']);
    expect(JSON.parse((await runCorral(['reset', 'cpu', '--json', '--url', url])).out)).toEqual({ pool_id: 'cpu', reset: true });
  });

  test('cancel says what it canceled', async () => {
    const { url, seen } = await serving({ 'POST /v2/tasks/t%2F1/cancel': empty });
    expect(await runCorral(['cancel', 't/1', '--url', url])).toEqual({ code: 0, out: 'canceled t/1\n', err: '' });
    expect(seen).toEqual([{ call: 'POST /v2/tasks/t%2F1/cancel', authorization: undefined, body: undefined }]);
  });

  test('the address comes from the environment, and a flag before it; so does the token', async () => {
    const { url, seen } = await serving(home);
    const env = { CORRAL_URL: `${url}/`, CORRAL_TOKEN: 'of-the-environment' };
    expect((await runCorral(['pools'], { env })).code).toBe(0);
    expect((await runCorral(['pools', '--token', 'of-the-flag'], { env })).code).toBe(0);
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer of-the-environment', 'Bearer of-the-flag']);
  });
});

describe('when the server does not do it', () => {
  test('P-07 a server that is not there: exit code 3, its address and scripts/up', async () => {
    const { url, close } = await startFakeServer({});
    await close();
    expect(await runCorral(['ps', '--url', url])).toEqual({
      code: 3,
      out: '',
      err: `corral: cannot reach ${url} (nothing listens there)\n  next: start it with scripts/up, or name another server with --url or CORRAL_URL\n`,
    });
  });

  test('P-07 a refusal is shown with its hint and the correlation id, exit code 1', async () => {
    const { url } = await serving({
      'POST /v2/tasks/t1/cancel': refuse(404, {
        code: 'NOT_FOUND',
        message: 'no task is called t1',
        hint: 'it may have ended',
        retriable: false,
      }),
    });
    const { code, err } = await runCorral(['cancel', 't1', '--url', url]);
    expect([code, err.split('\n')]).toEqual([
      1,
      ['corral: no task is called t1', '  next: it may have ended', expect.stringMatching(/^ {2}correlation id: [0-9a-f-]{36}$/), ''],
    ]);
  });

  test.each([
    [401, 'MISSING_TOKEN'],
    [401, 'BAD_TOKEN'],
    [403, 'ROLE_REQUIRED'],
    [429, 'ADMISSION_REJECT'],
  ])('exit code 4 for %i %s', async (status, code) => {
    const { url } = await serving({ 'GET /v2/pools': refuse(status, { code, message: 'no', retriable: false }) });
    expect((await runCorral(['pools', '--url', url])).code).toBe(4);
  });

  test('what is no Corral server is said to be none', async () => {
    const { url } = await serving({
      'GET /v2/pools': (_req, res) => void res.writeHead(200).end('<html>'),
      'GET /v2/nodes': json({ nodes: [] }),
    });
    expect(await runCorral(['pools', '--url', url])).toMatchObject({
      code: 1,
      err: expect.stringContaining('not as a Corral server does'),
    });
    expect(await runCorral(['nodes', '--url', url])).toMatchObject({ code: 1, err: expect.stringContaining('data: is missing') });
  });
});
