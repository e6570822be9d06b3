import { eventually, fetchSmolLm2, startCorral } from '@corral/test-kit';
import { figure, median, table } from './figures.js';
import { firstTokenMs } from './first-token.js';

const ROUNDS = 5;
/** About 1,500 tokens. */
const SHARED_WORDS = 1_450;

/** Time to the first token of a second request that shares a long prefix with the first, against the first. */
const corral = await startCorral({
  manifest: { version: 1, models: { smollm2: { source: `file:${await fetchSmolLm2()}`, context: 2_048, slots: 2 } } },
  env: { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: '1', CPU_POOL_REPLICAS: '1' },
});

function shared(round: number): string {
  return `Round ${round}. ${Array.from({ length: SHARED_WORDS }, (_, n) => ['the', 'sea', 'and', 'a', 'ship'][(n * 7 + round) % 5]).join(' ')}.`;
}

try {
  await eventually('a pool is ready', 60_000, async () => (await fetch(new URL('/ready', corral.url))).ok);
  await firstTokenMs(corral.url, { model: 'smollm2', prompt: 'Hi', max_tokens: 1 });
  const ms = { first: [] as number[], second: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    ms.first.push(await firstTokenMs(corral.url, { model: 'smollm2', prompt: `${shared(round)} Question one?`, max_tokens: 1 }));
    ms.second.push(await firstTokenMs(corral.url, { model: 'smollm2', prompt: `${shared(round)} What else?`, max_tokens: 1 }));
  }
  const [first, second] = [median(ms.first), median(ms.second)];
  table(`prefix, SmolLM2, ${SHARED_WORDS} words shared, time to first token, ms, median of ${ROUNDS}, 1 thread`, ['first', 'second', 'second/first'], [[figure(first), figure(second), figure(second / first)]]);
} finally {
  await corral.stop();
}
