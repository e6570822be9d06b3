import { cp, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ReplicaSpec } from '@corral/engine';
import { fetchGemma3, fetchSmolLm2 } from '@corral/test-kit';
import { bareSpec, firstTokenOf, openBareEngine } from './bare-load.js';
import { figure, median, table } from './figures.js';
import { publicLoadMs } from './public-load.js';

const ROUNDS = 5;
/** A long prompt takes its time. */
const KEPT_ROUNDS = 3;
const CONTEXT = 2_048;
const PROMPT = 'Once upon a time';
const SYSTEM_WORDS = 1_450;
const MEGABYTE = 1_000_000;

/**
 * What a demoted model costs to come back, with its file in RAM: a parked replica that is resumed, against a load in an initialised process by
 * the engine's fast way and by node-llama-cpp's public calls; and the first token of a long prompt whose beginning was kept, against reading it again.
 */
const shared = await stat('/dev/shm').then(() => '/dev/shm', () => tmpdir());
const dir = await mkdtemp(join(shared, 'corral-parked-'));
const engine = openBareEngine(join(dir, 'cache'));

async function staged(path: string): Promise<string> {
  const copy = join(dir, basename(path));
  await cp(path, copy);
  return copy;
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const startedMs = performance.now();
  return [await work(), performance.now() - startedMs];
}

const systemPrompt = `You are a harbour master. ${Array.from({ length: SYSTEM_WORDS }, (_, n) => ['the', 'sea', 'and', 'a', 'ship'][(n * 7) % 5]).join(' ')}.`;

async function parkedRow(name: string, spec: ReplicaSpec): Promise<string[]> {
  const ms = { parked: [] as number[], fast: [] as number[], public: [] as number[] };
  const parked = await engine.load(spec, PROMPT);
  let [ownBytes, contextBytes] = [0, parked.replica.info.memory.contextBytes];
  for (let round = 0; round < ROUNDS; round += 1) {
    ms.public.push(await publicLoadMs({ modelPath: spec.modelPath, prompt: PROMPT, context: CONTEXT, slots: spec.slots }));
    const loaded = await engine.load(spec, PROMPT);
    ms.fast.push(loaded.ms);
    await loaded.replica.stop(1_000);
    ownBytes = (await parked.replica.park()).memory.ownBytes;
    ms.parked.push(await firstTokenOf(parked.replica, PROMPT, parked.replica.resume()));
    contextBytes = parked.replica.info.memory.contextBytes;
  }
  await parked.replica.stop(1_000);
  const [p, f, r] = [median(ms.parked), median(ms.fast), median(ms.public)];
  return [name, figure(p), figure(f), figure(r), figure(p / f), figure(p / r), figure(ownBytes / MEGABYTE), figure(contextBytes / MEGABYTE)];
}

async function keptRow(name: string, spec: ReplicaSpec): Promise<string[]> {
  const ms = { short: [] as number[], anew: [] as number[], kept: [] as number[], save: [] as number[] };
  let [tokens, sizeBytes] = [0, 0];
  for (let round = 0; round < KEPT_ROUNDS; round += 1) {
    const prefixFolder = join(dir, `kept-${name}-${round}`);
    const first = await engine.load({ ...spec, prefixFolder }, PROMPT);
    ms.short.push(await firstTokenOf(first.replica, 'Another time'));
    ms.anew.push(await firstTokenOf(first.replica, `${systemPrompt} Who comes?`));
    const [saved, saveMs] = await timed(() => first.replica.savePrefixes({ maxBytes: 1_000 * MEGABYTE }));
    ms.save.push(saveMs);
    [tokens, sizeBytes] = [saved.tokens, saved.sizeBytes];
    await first.replica.stop(1_000);
    const second = await engine.load({ ...spec, prefixFolder }, PROMPT);
    ms.kept.push(await firstTokenOf(second.replica, `${systemPrompt} Who goes?`));
    await second.replica.stop(1_000);
    await rm(prefixFolder, { recursive: true, force: true });
  }
  const [short, anew, kept] = [median(ms.short), median(ms.anew), median(ms.kept)];
  return [name, figure(tokens), figure(sizeBytes / MEGABYTE), figure(median(ms.save)), figure(anew), figure(kept), figure((anew - kept) / (anew - short))];
}

try {
  const models: Readonly<Record<string, string>> = { smollm2: await staged(await fetchSmolLm2()), 'gemma3-270m': await staged(await fetchGemma3()) };
  const rows: string[][] = [];
  for (const [name, modelPath] of Object.entries(models)) {
    const spec = bareSpec(name, modelPath, CONTEXT);
    await engine.learn(spec);
    rows.push(await parkedRow(name, spec));
  }
  table(`parked, from resume or load to first token, ms, median of ${ROUNDS}, file in RAM, 1 thread`, ['model', 'parked', 'fast load', 'public load', 'parked/fast', 'parked/public', 'own MB', 'context MB'], rows);
  // Where attention slides over a window, only what lies in one is kept: not a prompt of this length.
  table(`kept prefix, time to first token after a load, ms, median of ${KEPT_ROUNDS}, 1 thread`, ['model', 'tokens', 'MB', 'save', 'read anew', 'kept', 'saved of prefill'], [await keptRow('smollm2', bareSpec('smollm2', models['smollm2'] ?? '', CONTEXT))]);
} finally {
  await engine.close();
  await rm(dir, { recursive: true, force: true });
}
