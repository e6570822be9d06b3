import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, forkDaemon, type ForkedDaemon } from '@corral/test-kit';

const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const TOKEN = 'a-token-of-more-than-thirty-two-characters';
const run = promisify(execFile);
const folders: string[] = [];

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-access-'));
  folders.push(folder);
  return folder;
}

async function start(env: Readonly<Record<string, string>>): Promise<{ readonly daemon: ForkedDaemon; readonly folder: string }> {
  const folder = await aFolder();
  return { folder, daemon: await forkDaemon(PROGRAM, { ORCHESTRATORD_ADDR: '127.0.0.1:0', POOL_MANAGERD_URLS: 'none', CORRAL_STATE_DIR: folder, ...env }) };
}

const get = (daemon: ForkedDaemon, path: string, token?: string) => fetch(new URL(path, daemon.url), token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe('the built program', () => {
  test('T-02 P-31 a bind that others can reach is refused without a token, and the variable is named', async () => {
    const env = { PATH: process.env['PATH'], ORCHESTRATORD_ADDR: '0.0.0.0:0', CORRAL_STATE_DIR: await aFolder() };
    const refused = await run(process.execPath, [PROGRAM], { env }).catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('LLORCH_API_TOKEN') });
  });

  test('T-08 P-04 a configuration with an unknown key is refused with the key and its line', async () => {
    const config = join(await aFolder(), 'corral.yaml');
    await writeFile(config, 'orchestratord:\n  adr: 127.0.0.1:0\n');
    const refused = await run(process.execPath, [PROGRAM, '--config', config], { env: { PATH: process.env['PATH'] } }).catch((error: { code: number; stderr: string }) => error);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/line 2.*adr/s) });
  });

  test('T-07 P-03 callers on this machine may skip the token where the operator says so', async () => {
    const { daemon } = await start({ LLORCH_API_TOKEN: TOKEN, AUTH_OPTIONAL: 'true' });
    expect((await get(daemon, '/v2/nodes')).status).toBe(200);
    await daemon.stop();
  });
});

describe('with a token', () => {
  let daemon: ForkedDaemon;
  let folder: string;
  beforeAll(async () => ({ daemon, folder } = await start({ LLORCH_API_TOKEN: TOKEN })));
  afterAll(() => daemon.stop());

  test('T-03 P-32 without one: 401 MISSING_TOKEN, with a correlation id', async () => {
    const answer = await get(daemon, '/v2/nodes');
    expect([answer.status, await answer.json(), answer.headers.get('x-correlation-id')]).toEqual([401, expect.objectContaining({ code: 'MISSING_TOKEN' }), expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  test('T-04 P-32 P-34 a wrong one is refused, the right one is known by its fingerprint, and neither is ever written', async () => {
    const wrong = await get(daemon, '/v2/nodes', 'another-token-of-thirty-two-characters');
    const right = await get(daemon, '/v2/nodes', TOKEN);
    expect([wrong.status, (await wrong.json() as { code: string }).code, right.status]).toEqual([401, 'BAD_TOKEN', 200]);
    const fingerprint = `token:${createHash('sha256').update(TOKEN).digest('hex').slice(0, 6)}`;
    const log = await eventually('the caller is logged', 60_000, async () => {
      const text = await readFile(join(folder, 'logs', 'orchestratord.jsonl'), 'utf8');
      return text.includes(fingerprint) && text;
    });
    expect(log).not.toContain(TOKEN);
    expect(log).not.toContain('another-token');
  });

  test('T-06 P-34 health, readiness and metrics are open', async () => {
    const statuses = await Promise.all(['/health', '/ready', '/metrics'].map(async (path) => (await get(daemon, path)).status));
    expect(statuses).toEqual([200, 503, 200]);
  });
});
