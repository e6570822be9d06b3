import { expect, test } from '@jest/globals';
import { completed } from './faults/answers.js';
import { atRest, replicaOf, startSystem } from './faults/served-system.js';
import { smollm2, tiny } from './served.js';

const SEEDS = Array.from({ length: 16 }, (_, n) => 1_000 + 37 * n);
const SLOTS = 4;

test('T-215 I-01 I-02 seeded answers are the same before and after a swap, alone and beside others', async () => {
  const other = await tiny({ endless: true });
  const system = await startSystem({ models: { smollm2: await smollm2({ context: 512, slots: SLOTS }), other: other.model }, orchestratord: { swap_quantum_ms: 0 }, env: { CPU_POOL_REPLICAS: '1' } });
  try {
    const ask = (seed: number): Promise<string> => completed(system.corral.url, { model: 'smollm2', prompt: 'The weather today is', max_tokens: 10, temperature: 0.9, seed });
    const alone: string[] = [];
    for (const seed of SEEDS) alone.push(await ask(seed));
    expect(new Set(alone).size).toBeGreaterThan(SEEDS.length / 2);
    const first = await replicaOf(system.corral, 'smollm2');
    await completed(system.corral.url, { model: 'other', prompt: 'x', max_tokens: 1 });
    expect((await replicaOf(system.corral, 'smollm2'))?.state).not.toBe('resident');
    const beside = await Promise.all(SEEDS.map(ask));
    expect(beside).toEqual(alone);
    expect((await replicaOf(system.corral, 'smollm2'))?.pid).not.toBe(first?.pid);
    await atRest(system);
  } finally {
    await system.stop();
    await other.remove();
  }
}, 600_000);
