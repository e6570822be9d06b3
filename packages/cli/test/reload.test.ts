import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { OrchestratorState, ReloadFailure, ReloadSucceeded } from '@corral/contracts';
import { checkSignature } from '@corral/service-kit';
import { json, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';

const CALL = 'POST /admin/reload';
const KEYS = { ORCHESTRATOR_API_KEYS: ' , first , second' };
let server: FakeServer | undefined;
const folders: string[] = [];
afterEach(async () => {
  await server?.close();
  server = undefined;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const facts = { source: 'cli' as const, at: '2026-01-01T00:00:00.000Z', duration_ms: 12, steps: [] };
const done: ReloadSucceeded = { status: 'ok', ...facts, summary: { added: ['route:a'], modified: ['route:b', 'model:m'], removed: [], unchanged: [] }, manifest_hash: 'h2', previous_hash: 'h1', notes: ['m was loaded beside the old one'] };
const failed: ReloadFailure = {
  status: 'error',
  ...facts,
  error: 'the manifest is broken',
  error_kind: 'validation',
  step: 'validate',
  problems: [{ line: 3, field: 'routes.a.model', message: 'no model "m" is defined; add it to models' }, { line: null, field: '', message: 'the file is empty' }],
  code: 'RELOAD_FAILED',
  message: 'the manifest is broken',
  retriable: false,
};

const serving = async (handler: Handler) => (server = await startFakeServer({ [CALL]: handler }));

/** A state directory as a server leaves it. */
async function stateDirOf(url: string, over: Partial<OrchestratorState> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-state-'));
  folders.push(folder);
  const at = '2026-01-01T00:00:00.000Z';
  const state: OrchestratorState = { status: 'running', role: 'orchestratord', pid: 1, bind: '127.0.0.1:1', listener_url: url, manifest_path: '/m.yaml', manifest_hash: 'h', state_dir: folder, started_at: at, stopped_at: null, written_at: at, bindings: [], connectors: [], activations: [], ...over };
  await writeFile(join(folder, 'orchestrator-state.json'), JSON.stringify(state));
  return folder;
}

describe('corral reload', () => {
  test('F-12 F-13 the state directory says where the server is, and the first key of the list opens it', async () => {
    const { url, seen } = await serving(json(done));
    const ran = await runCorral(['reload', '--config', 'm.yaml', '--state-dir', await stateDirOf(url)], { env: KEYS });
    expect(ran).toEqual({ code: 0, out: 'reload ok via cli (+1 ~2 -0)\n  m was loaded beside the old one\n', err: '' });
    expect(seen).toEqual([{ call: CALL, authorization: 'Bearer first', body: { source: 'cli', path: '/srv/m.yaml' } }]);
  });

  test('F-12 a manifest that is not served ends with 1 and its lines; --json prints the answer as it is', async () => {
    const { url } = await serving(json(failed, 500));
    const at = ['--state-dir', await stateDirOf(url)];
    expect(await runCorral(['reload', ...at], { env: KEYS })).toEqual({
      code: 1,
      out: 'reload error via cli (+0 ~0 -0)\n',
      err: '  line 3: routes.a.model: no model "m" is defined; add it to models\n  the file is empty\n',
    });
    const asJson = await runCorral(['reload', '--json', ...at], { env: KEYS });
    expect([asJson.code, JSON.parse(asJson.out), asJson.err]).toEqual([1, failed, '']);
  });

  test('F-12 what could be read and not be taken up says where and why', async () => {
    const { url } = await serving(json({ ...failed, problems: [], error_kind: 'activation', step: 'prepare', error: 'node n1 cannot be reached; start it' }, 500));
    expect((await runCorral(['reload', '--admin-url', url], { env: KEYS })).err).toBe('  activation failed at prepare: node n1 cannot be reached; start it\n');
  });

  test('F-13 without a key it signs, and the signature is of what was sent', async () => {
    const verdicts: unknown[] = [];
    const { url } = await serving((req, res, body) => {
      verdicts.push(checkSignature(req.headers.authorization ?? '', { method: 'POST', path: '/admin/reload', body: Buffer.from(body) }, { secret: 's3cret', nowMs: Date.now() }).kind);
      json(done)(req, res, body);
    });
    for (const name of ['ORCHESTRATOR_HMAC_SECRET', 'HARN_ORCHESTRATOR_HMAC_SECRET']) expect((await runCorral(['reload', '--admin-url', url], { env: { [name]: 's3cret' } })).code).toBe(0);
    expect(verdicts).toEqual(['valid', 'valid']);
  });

  test('F-13 with neither the error names both variables, and nobody is asked', async () => {
    const { url, seen } = await serving(json(done));
    expect(await runCorral(['reload', '--admin-url', url])).toEqual({ code: 4, out: '', err: expect.stringMatching(/ORCHESTRATOR_API_KEYS.*ORCHESTRATOR_HMAC_SECRET/s) });
    expect(seen).toEqual([]);
  });

  test('F-12 a refused key is exit code 4 with the hint of the server', async () => {
    const { url } = await serving(refuse(401, { code: 'BAD_TOKEN', message: 'the key is not one that may reload', hint: 'send a key of ORCHESTRATOR_API_KEYS', retriable: false }));
    expect(await runCorral(['reload', '--admin-url', url], { env: KEYS })).toMatchObject({ code: 4, err: expect.stringContaining('send a key of ORCHESTRATOR_API_KEYS') });
  });

  test('F-12 a server that never ran, one that stopped and one that does not answer are exit code 3 with the next step', async () => {
    const { url } = await serving(json(done));
    const gone = url;
    await server?.close();
    server = undefined;
    const never = await runCorral(['reload', '--state-dir', join(tmpdir(), 'corral-never')], { env: KEYS });
    const stopped = await runCorral(['reload', '--state-dir', await stateDirOf(url, { status: 'stopped', stopped_at: '2026-01-02T00:00:00.000Z' })], { env: KEYS });
    const silent = await runCorral(['reload', '--state-dir', await stateDirOf(gone)], { env: KEYS });
    expect([never, stopped, silent].map(({ code, err }) => [code, err.split('\n')[0]])).toEqual([
      [3, expect.stringContaining('no server has run with this state directory')],
      [3, expect.stringContaining('stopped at 2026-01-02')],
      [3, expect.stringContaining('nothing listens there')],
    ]);
  });

  test('F-12 an answer that does not come in time is a failure that says where to look', async () => {
    const { url } = await serving(() => undefined);
    expect(await runCorral(['reload', '--admin-url', url, '--timeout', '0.2'], { env: KEYS })).toMatchObject({ code: 1, err: expect.stringMatching(/no answer within.*corral events/s) });
  });

  test('F-12 wrong use is exit code 2', async () => {
    const ran = await Promise.all([['--timeout', 'soon'], ['--config', 'a', '--manifest', 'b'], ['--admin-url', 'here']].map((flags) => runCorral(['reload', ...flags], { env: KEYS })));
    expect(ran.map(({ code }) => code)).toEqual([2, 2, 2]);
  });
});
