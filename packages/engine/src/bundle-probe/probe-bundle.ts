import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@corral/service-kit';
import { EngineError } from '../engine-error.js';
import type { DeviceRef, EngineBundleRef, EngineProvider, ReplicaSpec } from '../port.js';
import { writeTinyModel, type TinyModelOptions } from '../tiny-model/tiny-model.js';
import { withBundle, type AskBundle } from './ask-bundle.js';

export interface BundleProbe {
  readonly provider: Pick<EngineProvider, 'start'>;
  readonly bundle: EngineBundleRef;
  /** The one in use, which is asked the same. `null` = there is none. */
  readonly reference: EngineBundleRef | null;
  readonly device: Omit<DeviceRef, 'bundle'>;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onModel?: (done: number, total: number) => void;
}

/** Number formats that are tried: plain kernels, and those of quantised weights. */
const FORMATS = ['F16', 'Q4_0'] as const satisfies readonly TinyModelOptions['type'][];
const TOKENS = 48;
/** Longer than one prefill chunk; the last character decides what comes. */
const PROMPTS = [`${'the quick brown fox '.repeat(12)}>`, '/', `${'x'.repeat(40)}A`];

/**
 * Whether a bundle computes what it should: a disposable worker loads tiny models whose answers are known beforehand, and answers
 * several prompts at once. The bundle in use is asked the same and must agree.
 *
 * Rejects with an EngineError that says what was wrong, or with the signal's reason; no process is left then. [D-77]
 */
export async function probeBundle(probe: BundleProbe): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-probe-'));
  try {
    for (const [n, type] of FORMATS.entries()) {
      probe.onModel?.(n, FORMATS.length);
      const { path } = await writeTinyModel(join(folder, `${type}.gguf`), { type, contextTokens: 1_024 });
      const expected = PROMPTS.map((prompt) => following(prompt.at(-1) ?? ''));
      judge(probe.bundle, type, await answersOf(probe, probe.bundle, path), expected);
      if (probe.reference !== null) judge(probe.reference, type, await answersOf(probe, probe.reference, path), expected);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the model writes after a character: the printable ones that come next. */
function following(character: string): string {
  return Array.from({ length: TOKENS }, (_, n) => character.charCodeAt(0) + 1 + n)
    .map((code) => (code <= 126 ? String.fromCharCode(code) : ` w${code - 127}`))
    .join('');
}

function answersOf({ provider, device, log, signal }: BundleProbe, bundle: EngineBundleRef, modelPath: string): Promise<readonly string[]> {
  const ask = async (one: AskBundle): Promise<readonly string[]> => (await Promise.all(PROMPTS.map((prompt) => one(prompt, TOKENS)))).map(({ message }) => message);
  return withBundle({ provider, bundle, spec: specOf(device, modelPath), log, signal }, ask);
}

function specOf(device: Omit<DeviceRef, 'bundle'>, modelPath: string): ReplicaSpec {
  return { ...device, replicaId: 'bundle-probe', modelPath, digest: null, contextTokens: 512, slots: PROMPTS.length, threads: 1, batchTokens: 512, prefillChunkTokens: 128, weightsIo: 'mmap' };
}

function judge({ id }: EngineBundleRef, type: string, answers: readonly string[], expected: readonly string[]): void {
  const wrong = answers.findIndex((answer, n) => answer !== expected[n]);
  if (wrong === -1) return;
  throw new EngineError('worker_failed', `engine ${id} computes wrong tokens (${type}): ${JSON.stringify((answers[wrong] ?? '').slice(0, 60))} instead of ${JSON.stringify((expected[wrong] ?? '').slice(0, 60))}; it must not serve on this machine`);
}
