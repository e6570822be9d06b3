import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { eventually, forkDaemon, type ForkedDaemon } from '@corral/test-kit';
import { ONE_THREAD } from '../served.js';
import { as, keyOf } from './keys.js';

const ORCHESTRATORD = fileURLToPath(new URL('../../../orchestratord/dist/main.js', import.meta.url));
const POOL_MANAGERD = fileURLToPath(new URL('../../../pool-managerd/dist/main.js', import.meta.url));
const TOKEN = 'a-token-of-more-than-thirty-two-characters';

const folders: string[] = [];
const daemons: ForkedDaemon[] = [];
afterEach(async () => void (await Promise.all(daemons.splice(0).map((daemon) => daemon.stop()))));
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-tokens-'));
  folders.push(folder);
  return folder;
}

async function start(program: string, env: Readonly<Record<string, string>>): Promise<ForkedDaemon> {
  const daemon = await forkDaemon(program, env);
  daemons.push(daemon);
  return daemon;
}

const controlPlane = (stateDir: string, env = {}) => start(ORCHESTRATORD, { ORCHESTRATORD_ADDR: '127.0.0.1:0', POOL_MANAGERD_URLS: 'none', CORRAL_STATE_DIR: stateDir, ...env });
const node = (url: string, nodeId: string, stateDir: string, env = {}) =>
  start(POOL_MANAGERD, { ...ONE_THREAD, POOL_MANAGERD_ADDR: '127.0.0.1:0', ORCHESTRATOR_URL: url, NODE_ID: nodeId, CORRAL_STATE_DIR: stateDir, IDLE_WORKERS: '0', ...env });
const nodesSeen = async (url: string, key: string): Promise<string[]> => (await as(key, url, 'GET /v2/nodes')).body.data.map(({ node_id }: { node_id: string }) => node_id);
const refusalIn = (stateDir: string) =>
  eventually('the node says that it is refused', 120_000, async () => {
    const lines = (await readFile(join(stateDir, 'logs', 'pool-managerd.jsonl'), 'utf8').catch(() => '')).split('\n');
    return lines.find((line) => /not one that this server accepts|needs a token/.test(line));
  });

test('B-135 T-137 once keys exist, a node of the same state directory registers by itself and one of another is refused', async () => {
  const [ours, theirs] = [await aFolder(), await aFolder()];
  const { url } = await controlPlane(ours);
  const { key } = await keyOf(null, url, { org_id: 'default', role: 'system_admin' });
  await node(url, 'ours', ours);
  await node(url, 'theirs', theirs);
  await eventually('our node registers', 120_000, async () => (await nodesSeen(url, key)).includes('ours'));
  expect(await refusalIn(theirs)).not.toContain(await readFile(join(theirs, 'operator-token'), 'utf8').then((text) => text.trim()));
  expect(await nodesSeen(url, key)).toEqual(['ours']);
}, 600_000);

test('P-30 T-137 with configured tokens the right one registers, with and without keys, and a wrong one never does', async () => {
  const [ours, theirs] = [await aFolder(), await aFolder()];
  const { url } = await controlPlane(await aFolder(), { LLORCH_API_TOKEN: TOKEN });
  const { key } = await keyOf(TOKEN, url, { org_id: 'default', role: 'system_admin' });
  await node(url, 'ours', ours, { LLORCH_API_TOKEN: TOKEN });
  await node(url, 'theirs', theirs, { LLORCH_API_TOKEN: `${TOKEN}-and-more` });
  await eventually('our node registers', 120_000, async () => (await nodesSeen(url, TOKEN)).includes('ours'));
  await refusalIn(theirs);
  expect([await nodesSeen(url, key), await nodesSeen(url, TOKEN)]).toEqual([['ours'], ['ours']]);
  expect((await as(null, url, 'GET /v1/models')).code).toBe('MISSING_TOKEN');
}, 600_000);
