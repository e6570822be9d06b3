import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startCorral } from '@corral/test-kit';
import { call, ONE_THREAD, smollm2, tiny } from './served.js';

/** Long enough for several turns of each model, short enough for every run of the suite. */
const ALTERNATE_MS = 20_000;
/** A slow machine takes longer for that many answers of each. */
const ALTERNATE_MOST_MS = 240_000;
const ANSWERS = 4;
const QUANTUM_MS = 2_000;

interface Swap {
  readonly ts: string;
  readonly yields: readonly { readonly reason: string }[];
}

function isSwap(line: Record<string, unknown>): line is Record<string, unknown> & Swap {
  return line['msg'] === 'model load ordered' && Array.isArray(line['yields']) && line['yields'].length > 0;
}

test('G-21 two models that do not fit together serve four clients that alternate: all answered, none starves', async () => {
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
    const fewest = (): number => Math.min(...Object.values(served));
    const refused: unknown[] = [];
    const startedMs = Date.now();
    await Promise.all(
      [0, 1, 2, 3].map(async (client) => {
        for (let n = client; Date.now() - startedMs < (fewest() < ANSWERS ? ALTERNATE_MOST_MS : ALTERNATE_MS); n += 1) {
          const model = n % 2 === 0 ? 'smollm2' : 'synthetic';
          const answer = await call(corral.url, 'POST', '/v1/completions', { model, prompt: 'a', max_tokens: 8, temperature: 0 });
          if (answer.status === 200) served[model] = (served[model] ?? 0) + 1;
          else refused.push(answer.body);
        }
      }),
    );
    expect(refused).toEqual([]);
    expect(fewest()).toBeGreaterThanOrEqual(ANSWERS);

    const swaps = (await corral.logs('orchestratord')).filter(isSwap);
    expect(swaps.length).toBeGreaterThan(1);
    const forced = swaps.filter((swap) => swap.yields.some(({ reason }) => reason === 'quantum_over'));
    for (const swap of swaps) expect(swap).toMatchObject({ pool_id: 'p1', human: expect.stringMatching(/^(smollm2|synthetic) makes room for (smollm2|synthetic) in p1/) });
    const gapsMs = forced.slice(1).map((swap, n) => Date.parse(swap.ts) - Date.parse(forced[n]?.ts ?? ''));
    expect(Math.min(QUANTUM_MS, ...gapsMs)).toBe(QUANTUM_MS);

    const resident = (await call(corral.url, 'GET', '/v2/pools')).body['data'] as readonly { readonly replicas: readonly { readonly state: string }[] }[];
    expect(resident.flatMap((pool) => pool.replicas).filter((r) => r.state === 'resident').length).toBeLessThanOrEqual(1);
  } finally {
    await corral.stop();
    await big.remove();
    await rm(dir, { recursive: true, force: true });
  }
}, 600_000);
