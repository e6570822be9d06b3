import { afterAll, afterEach, expect } from '@jest/globals';
import { createLlamacppEngine, type EngineReplica, type ReplicaSpec } from '@corral/engine';
import { silentLog, systemClock, type Log } from '@corral/service-kit';
import { engineClient, eventsOf, llamacppPrograms } from '@corral/test-kit';

export type Client = ReturnType<typeof engineClient>;
export type Stats = Readonly<Record<'decode_steps' | 'decode_micro_batches' | 'decoded_tokens' | 'prefill_chunks' | 'prefill_tokens' | 'prefix_hits' | 'cached_tokens' | 'chunks_after_stop' | 'tokens_after_stop', number>> & { readonly sequences_per_step: readonly number[] };

export interface Running {
  readonly replica: EngineReplica;
  readonly client: Client;
}

export interface Replicas {
  /** Starts a replica that ends with the test, or with the file when `keep` says so. */
  start(spec: Partial<ReplicaSpec> & { readonly modelPath: string }, how?: { readonly env?: Record<string, string>; readonly log?: Log; readonly keep?: boolean; readonly worker?: string }): Promise<Running>;
}

/** Real llama.cpp replicas on the CPU, one thread each. */
export function llamacppReplicas(): Replicas {
  const [ofTest, ofFile]: [Running[], Running[]] = [[], []];
  const end = async (running: Running[]): Promise<void> => {
    for (const { replica, client } of running.splice(0)) {
      await client.close();
      await replica.stop(0);
    }
  };
  afterEach(() => end(ofTest));
  afterAll(() => end(ofFile));
  return {
    start: async (spec, { env = {}, log = silentLog, keep = false, worker } = {}) => {
      const debug = 'LLAMA_BATCH_DEBUG' in env;
      const engine = createLlamacppEngine({ env: { ...process.env, ...env }, clock: systemClock, log, programs: { ...llamacppPrograms(), ...(worker !== undefined && { worker }) }, logLevel: debug ? 'debug' : 'warn' });
      const whole: ReplicaSpec = { replicaId: 'r1', digest: null, deviceKind: 'cpu', deviceMask: '', contextTokens: 1_024, slots: 4, threads: 1, batchTokens: 512, prefillChunkTokens: 64, weightsIo: 'mmap', ...spec };
      const replica = await engine.start(whole, { signal: new AbortController().signal, log });
      const running = { replica, client: engineClient(replica.socketPath) };
      (keep ? ofFile : ofTest).push(running);
      return running;
    },
  };
}

export const statsOf = async (client: Client): Promise<Stats> => (await client.get('/stats')).body as unknown as Stats;

export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 5_000 && !(await isSo()); turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await isSo()).toBe(true);
}

/** The text of a stream in the task dialect. */
export function textOf(stream: string): string {
  return eventsOf(stream).map(({ data }) => (data as { t?: string }).t ?? '').join('');
}
