import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@corral/service-kit';
import { childEnv, type Environment } from '../child/child-env.js';
import { EngineWorkers } from '../child/engine-workers.js';
import { hostCpu } from '../devices/host-cpu.js';
import { EngineError } from '../engine-error.js';
import { messageOf } from '../message-of.js';
import type { EngineProvider } from '../port.js';
import { LlamaServerClient, type ServerFacts } from './llama-server-client.js';

export interface ExternalOptions {
  /** Of a running llama-server, such as `http://127.0.0.1:8081`. */
  readonly url: string;
  readonly env: Environment;
  readonly clock: Clock;
  /** Compiled program of the worker; the one beside this module unless given. */
  readonly program?: string;
  /** What the server has said of itself a moment ago; it is asked unless given. */
  readonly facts?: ServerFacts;
}

/**
 * The one model of a llama-server that runs by itself, behind the engine port: a worker of its own stands before it, so that slots,
 * deadlines, cancels and dialects are those of every engine. Rejects when no ready server answers.
 *
 * What differs: the server has loaded its model already, whatever the spec names; its memory and device are not known here; nothing
 * is parked and no prefix is kept; a prompt is evaluated in one go, so that a cancel waits for the server to notice. [D-79]
 */
export async function attachExternalEngine({ url, env, clock, program = fileURLToPath(new URL('./worker.js', import.meta.url)), facts: known }: ExternalOptions): Promise<EngineProvider> {
  const facts = known ?? (await externalFacts(url));
  const workers = new EngineWorkers({ program: ({ deviceKind, deviceMask }) => ({ entry: program, args: [url], env: childEnv(env, { kind: deviceKind, mask: deviceMask }), clock }), clock });
  return {
    name: 'llama-server',
    version: facts.version,
    builtIn: [],
    buildRef: facts.version,
    sources: null,
    discover: async () => ({ devices: [], probes: [{ kind: 'cpu', lookedFor: `the device of ${url}`, found: false, detail: 'a server does not say what it runs on' }], cpu: await hostCpu() }),
    inspect: async (path, { deviceKind, signal }) => {
      signal?.throwIfAborted();
      await stat(path).catch((error: unknown) => {
        throw new EngineError('bad_model', `${path} cannot be read: ${messageOf(error)}; give the file that the server has loaded`);
      });
      const { modelName: name, trainContext, vocabSize, embeddingLength, hasChatTemplate, weightsBytes } = facts;
      return { architecture: 'external', name, quant: null, layers: 0, embeddingLength, vocabSize, trainContext, hasChatTemplate, memory: { [deviceKind]: { weightsBytes: { deviceBytes: weightsBytes, hostBytes: 0 }, contextMemory: { baseBytes: 0, perCellBytes: 0 } } } };
    },
    start: (spec, options) => workers.start(spec, options),
    standBy: (device, options) => workers.standBy(device, options),
  };
}

/** What a running server says of itself. Rejects with an EngineError that says what to do when it does not answer in time as a ready one does; nothing is tried twice. */
export async function externalFacts(url: string, options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<ServerFacts> {
  const client = new LlamaServerClient(url);
  try {
    return await client.facts(options);
  } finally {
    await client.close();
  }
}
