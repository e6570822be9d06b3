import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually, startCorral } from '@corral/test-kit';
import { ONE_THREAD, tiny } from '../served.js';
import { as, keyOf } from './keys.js';

const COMPLETION = { model: 'tiny', prompt: 'x', max_tokens: 3 };

test('B-131 B-135 B-136 keys, roles and usage outlive a crash and a stop, and the second start serves by itself', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'corral-'));
  const model = await tiny();
  const manifest = { version: 1, models: { tiny: model.model } };
  const running = [await startCorral({ stateDir, manifest, env: ONE_THREAD })];
  try {
    const [first] = running;
    if (first === undefined) throw new Error('nothing runs');
    const { url } = first;
    const admin = await keyOf(null, url, { org_id: 'default', role: 'system_admin' });
    const member = await keyOf(admin.key, url, { org_id: 'default', role: 'member' });
    const usageAt = async (at: string) => (await as(admin.key, at, `GET /api/admin/usage?key_id=${member.key_id}`)).body.data[0]?.requests;
    expect((await as(member.key, url, 'POST /v1/completions', COMPLETION)).status).toBe(200);
    await eventually('the request is counted and written', 120_000, async () => (await usageAt(url)) === 1);
    process.kill(first.ready.pids.orchestratord, 'SIGKILL');
    await eventually('it answers after the crash', 120_000, async () => (await as(member.key, url, 'POST /v1/completions', COMPLETION).catch(() => null))?.status === 200);
    expect([(await as(null, url, 'GET /v1/models')).status, (await as(member.key, url, 'GET /v2/pools')).status]).toEqual([401, 403]);
    await first.stop();
    running.pop();

    const second = await startCorral({ stateDir, manifest, env: ONE_THREAD, args: ['--ask', 'x'] });
    running.push(second);
    expect(typeof (await second.answer)).toBe('string');
    expect(await usageAt(second.url)).toBe(2);
    expect((await stat(join(stateDir, 'operator-token'))).mode & 0o777).toBe(0o600);
  } finally {
    for (const corral of running) await corral.stop();
    await model.remove();
    await rm(stateDir, { recursive: true, force: true });
  }
}, 600_000);
