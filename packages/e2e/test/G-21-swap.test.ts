import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startCorral } from '@corral/test-kit';
import { call, ONE_THREAD, smollm2, tiny } from './served.js';

/** Long enough for several turns of each model, short enough for every run of the suite. */
const ALTERNATE_MS = 20_000;
const QUANTUM_MS = 2_000;

test('G-21 T-44 two models that do not fit together serve four clients that alternate: all answered, none starves', async () => {
  const big = await tiny({ mode: 'chain', sizeBytes: 100_000_000 }, { slots: 2 });
  const dir = await mkdtemp(join(tmpdir(), 'corral-config-'));
  const config = join(dir, 'corral.json');
  await writeFile(config, JSON.stringify({ orchestratord: { swap_quantum_ms: QUANTUM_MS } }));
  const corral = await startCorral({
    manifest: {
      version: 1,
      models: { smollm2: await smollm2({ context: 512, slots: 2 }), synthetic: big.model },
      pools: [{ id: 'p1', node: 'local', device: 'cpu', memory: '260MiB' }],
    },
    args: ['--config', config],
    env: { ...ONE_THREAD },
  });
  try {
    const served: Record<string, number> = { smollm2: 0, synthetic: 0 };
    const refused: unknown[] = [];
    const startedMs = Date.now();
    await Promise.all(
      [0, 1, 2, 3].map(async (client) => {
        for (let n = client; Date.now() - startedMs < ALTERNATE_MS; n += 1) {
          const model = n % 2 === 0 ? 'smollm2' : 'synthetic';
          const answer = await call(corral.url, 'POST', '/v1/completions', { model, prompt: 'a', max_tokens: 8, temperature: 0 });
          if (answer.status === 200) served[model] = (served[model] ?? 0) + 1;
          else refused.push(answer.body);
        }
      }),
    );
    expect(refused).toEqual([]);
    expect(Math.min(served['smollm2'] ?? 0, served['synthetic'] ?? 0)).toBeGreaterThanOrEqual(4);

    const yields = (await corral.logs('orchestratord')).filter((line) => line['msg'] === 'replica yields');
    expect(yields.length).toBeGreaterThan(1);
    for (const line of yields) expect(String(line['reason'])).toMatch(/(smollm2|synthetic) yields in p1/);
    const resident = (await call(corral.url, 'GET', '/v2/pools')).body['data'] as readonly { readonly replicas: readonly { readonly state: string }[] }[];
    expect(resident.flatMap((pool) => pool.replicas).filter((r) => r.state === 'resident').length).toBeLessThanOrEqual(1);
  } finally {
    await corral.stop();
    await big.remove();
    await rm(dir, { recursive: true, force: true });
  }
}, 180_000);
