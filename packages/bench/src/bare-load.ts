import { createLlamacppEngine, type EngineReplica, type ReplicaSpec } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { aGenerateRequest, engineClient, eventually } from '@corral/test-kit';

/** The engine driven directly: a load is into a process that is initialised and waits. */
export interface BareEngine {
  /** Learns the facts of a file, as registration does. */
  learn(spec: ReplicaSpec): Promise<void>;
  /** `ms`: from the order to load until the first token of the prompt. */
  load(spec: ReplicaSpec, prompt: string): Promise<{ readonly replica: EngineReplica; readonly ms: number }>;
  close(): Promise<void>;
}

export function openBareEngine(cacheDir: string): BareEngine {
  const engine = createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog, cacheDir });
  const standby = engine.standBy({ deviceKind: 'cpu', deviceMask: '' }, { workers: 1, log: silentLog, onChange: () => undefined });
  return {
    learn: async ({ modelPath, digest }) => void (await engine.inspect(modelPath, { deviceKind: 'cpu', digest: digest ?? '' })),
    load: async (spec, prompt) => {
      await eventually('an idle worker', 60_000, () => Promise.resolve(standby.state.ready === 1));
      const startedMs = performance.now();
      const replica = await engine.start(spec, { signal: new AbortController().signal, log: silentLog });
      const loadMs = performance.now() - startedMs;
      return { replica, ms: loadMs + (await firstTokenOf(replica, prompt)) };
    },
    close: () => standby.close(),
  };
}

/** One slot, one thread, on the CPU. */
export function bareSpec(replicaId: string, modelPath: string, contextTokens: number): ReplicaSpec {
  const digest = `sha256:${Buffer.from(replicaId.padEnd(32)).toString('hex')}`;
  return { replicaId, modelPath, digest, deviceKind: 'cpu', deviceMask: '', contextTokens, slots: 1, threads: 1, batchTokens: 512, prefillChunkTokens: 128, weightsIo: 'mmap' };
}

/** Milliseconds from `ready` to the first token of an answer. */
export async function firstTokenOf({ socketPath }: EngineReplica, prompt: string, ready: Promise<unknown> = Promise.resolve()): Promise<number> {
  const client = engineClient(socketPath);
  const startedMs = performance.now();
  await ready;
  await client.generate(aGenerateRequest({ max_tokens: 1, input: { type: 'prompt', prompt } }));
  const ms = performance.now() - startedMs;
  await client.close();
  return ms;
}
