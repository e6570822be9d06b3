import { eventually, fetchSmolLm2, startCorral, type Corral } from '@corral/test-kit';
import { figure, median, table } from './figures.js';
import { firstTokenMs } from './first-token.js';

const ROUNDS = 5;
/** Its evaluation takes long enough for a kill to meet it. */
const PROMPT_WORDS = 700;
/** How far the prompt is when its worker is killed. */
const KILL_AFTER_MS = 500;

/** What a worker's death in the middle of a prompt adds to the time to the first token. */
const modelPath = await fetchSmolLm2();
const corral = await startCorral({
  manifest: { version: 1, models: { smollm2: { source: `file:${modelPath}`, context: 1_024, slots: 1 } } },
  env: { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: '1', CPU_POOL_REPLICAS: '1' },
});

interface Pool {
  readonly active_leases: number;
  readonly replicas: readonly { readonly state: string; readonly pid: number | null }[];
}

async function pools({ poolUrl }: Corral): Promise<readonly Pool[]> {
  return ((await (await fetch(new URL('/v2/pools', poolUrl))).json()) as { readonly data: readonly Pool[] }).data;
}

async function residentPid(): Promise<number> {
  return await eventually('the model is resident', 60_000, async () => (await pools(corral)).flatMap((pool) => pool.replicas).find((replica) => replica.state === 'resident')?.pid ?? null);
}

function ask(round: number): Promise<number> {
  const words = Array.from({ length: PROMPT_WORDS }, (_, n) => ['rain', 'wind', 'sun', 'snow'][(n * 3 + round) % 4]).join(' ');
  return firstTokenMs(corral.url, { model: 'smollm2', prompt: `${round}: ${words}`, max_tokens: 1 });
}

async function askAndKill(round: number): Promise<number> {
  const pid = await residentPid();
  const asked = ask(round);
  await eventually('the prompt is evaluated', 60_000, async () => (await pools(corral)).some((pool) => pool.active_leases > 0));
  await new Promise((resolve) => setTimeout(resolve, KILL_AFTER_MS));
  process.kill(pid, 'SIGKILL');
  return await asked;
}

try {
  await eventually('a pool is ready', 60_000, async () => (await fetch(new URL('/ready', corral.url))).ok);
  await firstTokenMs(corral.url, { model: 'smollm2', prompt: 'Hi', max_tokens: 1 });
  const ms = { undisturbed: [] as number[], killed: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    ms.undisturbed.push(await ask(2 * round));
    ms.killed.push(await askAndKill(2 * round + 1));
    // Deaths that follow each other wait longer and longer; here each is the first.
    await fetch(new URL(`/v2/pools/${await poolId()}/reset`, corral.url), { method: 'POST' });
  }
  const [undisturbed, killed] = [median(ms.undisturbed), median(ms.killed)];
  table(`placed again after a death ${KILL_AFTER_MS} ms into a prompt of ${PROMPT_WORDS} words, time to first token, ms, median of ${ROUNDS}`, ['undisturbed', 'killed', 'added', 'killed/undisturbed'], [[figure(undisturbed), figure(killed), figure(killed - undisturbed), figure(killed / undisturbed)]]);
} finally {
  await corral.stop();
}

async function poolId(): Promise<string> {
  const { data } = (await (await fetch(new URL('/v2/pools', corral.url))).json()) as { readonly data: readonly { readonly pool_id: string }[] };
  return data[0]?.pool_id ?? '';
}
