import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { aliveOf, eventually, familyOf, startCorral } from '@corral/test-kit';
import { call, ONE_THREAD, smollm2, tiny } from './served.js';

describe('corral up', () => {
  test('P-02 the starter model is fetched, answers, and the second start finds it', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'corral-'));
    try {
      const first = await startCorral({ stateDir, args: ['--allow-cpu', '--ask', 'What is the capital of Japan?'], env: { ...ONE_THREAD } });
      expect(await first.answer).toContain('Tokyo');
      expect((await call(first.url, 'GET', '/health')).status).toBe(200);
      await first.stop();
      expect(await first.exited).toEqual({ code: 143, signal: null });

      const second = await startCorral({ stateDir, args: ['--allow-cpu', '--once', '--ask', 'What is the capital of Japan?'], env: { ...ONE_THREAD, FETCH_ALLOW: 'file' } });
      expect(await second.answer).toContain('Tokyo');
      expect(await second.exited).toEqual({ code: 0, signal: null });
    } finally {
      await rm(stateDir, { recursive: true, force: true });
    }
  }, 600_000);

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('P-02 after %s in the middle of an answer nothing is left', async (signal) => {
    const endless = await tiny({ endless: true }, { context: 4_096 });
    const corral = await startCorral({ manifest: { version: 1, models: { endless: endless.model } }, env: { ...ONE_THREAD } });
    try {
      const stream = await fetch(new URL('/v1/completions', corral.url), {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'endless', prompt: 'x', max_tokens: 4_000, stream: true }),
      });
      await stream.body?.getReader().read();
      const family = await familyOf(corral.pid);
      expect(family.length).toBeGreaterThanOrEqual(4);
      corral.kill(signal);
      const end = await corral.exited;
      expect(end).toEqual(signal === 'SIGKILL' ? { code: null, signal } : { code: signal === 'SIGINT' ? 130 : 143, signal: null });
      await eventually('no process is left', 120_000, async () => (await aliveOf(family)).length === 0);
    } finally {
      await corral.stop();
      await endless.remove();
    }
  }, 600_000);

  test.each(['orchestratord', 'pool_managerd'] as const)('P-17 a killed %s is started again, and answers go on', async (daemon) => {
    const corral = await startCorral({ manifest: { version: 1, models: { smollm2: await smollm2() } }, env: { ...ONE_THREAD } });
    try {
      process.kill(corral.ready.pids[daemon], 'SIGKILL');
      const answer = await eventually('an answer', 120_000, async () => {
        const got = await call(corral.url, 'POST', '/v1/chat/completions', { model: 'smollm2', messages: [{ role: 'user', content: 'What is the capital of Japan?' }], temperature: 0 }).catch(() => null);
        return got?.status === 200 && got;
      });
      expect(JSON.stringify(answer.body)).toContain('Tokyo');
    } finally {
      await corral.stop();
    }
  }, 600_000);
});
