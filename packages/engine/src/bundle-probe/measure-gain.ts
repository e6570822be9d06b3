import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Log } from '@corral/service-kit';
import type { DeviceRef, EngineBundleRef, EngineProvider, ReplicaSpec } from '../port.js';
import { writeTinyModel } from '../tiny-model/tiny-model.js';
import { withBundle, type AskBundle } from './ask-bundle.js';

export interface GainMeasurement {
  readonly provider: Pick<EngineProvider, 'start'>;
  readonly bundle: EngineBundleRef;
  readonly reference: EngineBundleRef;
  readonly device: Omit<DeviceRef, 'bundle'>;
  readonly threads: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Time of the reference divided by that of the bundle: above 1 the bundle is faster. */
export interface MeasuredGain {
  readonly prefill: number;
  readonly decode: number;
}

interface Times {
  readonly prefillMs: number;
  readonly decodeMs: number;
}

const MODEL_BYTES = 40 * 1_024 * 1_024;
const ROUNDS = 3;
const PROMPT_TOKENS = 400;
const DECODE_TOKENS = 48;

/** Both bundles do the same work in turns, each in a process of its own; the best round of each counts, since others use the machine too. [D-73] */
export async function measureGain({ provider, bundle, reference, device, threads, clock, log, signal }: GainMeasurement): Promise<MeasuredGain> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-gain-'));
  try {
    const { path } = await writeTinyModel(join(folder, 'gain.gguf'), { type: 'Q8_0', sizeBytes: MODEL_BYTES, embedding: 512, endless: true, contextTokens: 1_024 });
    const spec: ReplicaSpec = { ...device, replicaId: 'gain', modelPath: path, digest: null, contextTokens: 1_024, slots: 1, threads, batchTokens: 512, prefillChunkTokens: 128, weightsIo: 'mmap' };
    const [own, others] = await withBundle({ provider, bundle, spec, log, signal }, (ask) =>
      withBundle({ provider, bundle: reference, spec, log, signal }, (askOther) => inTurns(clock, [ask, askOther])),
    );
    return { prefill: round((others?.prefillMs ?? 0) / (own?.prefillMs ?? 1)), decode: round((others?.decodeMs ?? 0) / (own?.decodeMs ?? 1)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inTurns(clock: Clock, asked: readonly AskBundle[]): Promise<readonly Times[]> {
  let best: readonly Times[] = asked.map(() => ({ prefillMs: Infinity, decodeMs: Infinity }));
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    const times: Times[] = [];
    for (const ask of asked) times.push(await timesOf(clock, ask, turn));
    best = best.map((one, n) => ({ prefillMs: Math.min(one.prefillMs, times[n]?.prefillMs ?? Infinity), decodeMs: Math.min(one.decodeMs, times[n]?.decodeMs ?? Infinity) }));
  }
  return best;
}

async function timesOf(clock: Clock, ask: AskBundle, turn: number): Promise<Times> {
  const startMs = clock.monotonicMs();
  const { decode_time_ms: decodeMs } = await ask(String.fromCharCode(97 + turn).repeat(PROMPT_TOKENS), DECODE_TOKENS);
  return { prefillMs: clock.monotonicMs() - startMs - decodeMs, decodeMs };
}

const round = (ratio: number): number => Math.max(0.01, Math.round(ratio * 100) / 100);
