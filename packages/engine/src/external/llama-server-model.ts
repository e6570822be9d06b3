import { ApiError, type GenerateInput, type Sampling } from '@corral/contracts';
import { isConnectionError, type Clock } from '@corral/service-kit';
import { EngineError } from '../engine-error.js';
import type { ReplicaInfo, ReplicaSpec, SavedPrefixes } from '../port.js';
import type { DecodeStats, Prompt, SlotPrefix, TextModel, TextRun } from '../worker/text-model.js';
import type { LlamaServerClient, ServerFacts } from './llama-server-client.js';
import { LlamaServerRun } from './llama-server-run.js';

/** The one model of a running llama-server. What its process holds is its own affair: nothing is loaded, parked or kept from here. */
export class LlamaServerModel implements TextModel {
  readonly info: ReplicaInfo;
  readonly fingerprint: string;
  #prefilled = 0;
  #chunks = 0;

  constructor(
    private readonly client: LlamaServerClient,
    private readonly facts: ServerFacts,
    spec: ReplicaSpec,
    private readonly clock: Clock,
  ) {
    if (spec.slots > facts.slots) throw new EngineError('bad_spec', `${client.url} has ${facts.slots} slots and ${spec.slots} are asked for; start it with --parallel ${spec.slots}, or ask for fewer`);
    this.fingerprint = `llama-server-${facts.version}`;
    this.info = { slots: spec.slots, contextTokens: Math.min(spec.contextTokens, facts.contextTokens), layersOnDevice: 0, totalLayers: 0, memory: { weightsBytes: 0, contextBytes: 0, hostBytes: 0 }, hasChatTemplate: facts.hasChatTemplate, loadMs: 0, loadPath: 'public' };
  }

  async encode(input: GenerateInput): Promise<readonly number[]> {
    try {
      return await this.#encode(input);
    } catch (error) {
      // Where it cannot be reached, it serves none of the others either.
      throw isConnectionError(error) ? new EngineError('worker_failed', `${this.client.url} cannot be reached: ${error.message}; start it again`, [], { cause: error }) : error;
    }
  }

  async #encode(input: GenerateInput): Promise<readonly number[]> {
    if (input.type === 'prompt') return await this.client.tokenize(input.prompt);
    if (!this.facts.hasChatTemplate) throw new ApiError('INVALID_PARAMS', 'the model has no chat template; send a prompt instead of messages', { field: 'messages' });
    return await this.client.tokenize(await this.client.applyTemplate(input.messages));
  }

  prefixes(): readonly SlotPrefix[] {
    return [];
  }

  open(_slot: number, prompt: Prompt, sampling: Sampling): TextRun {
    this.#chunks += 1;
    this.#prefilled += prompt.tokens.length;
    return new LlamaServerRun(this.client, prompt, sampling, this.clock);
  }

  stats(): DecodeStats {
    return { decode_steps: 0, sequences_per_step: [], decode_micro_batches: 0, decoded_tokens: 0, prefill_chunks: this.#chunks, prefill_tokens: this.#prefilled, prefix_hits: 0, cached_tokens: 0, chunks_after_stop: 0, tokens_after_stop: 0 };
  }

  park(): Promise<number> {
    return Promise.resolve(0);
  }

  resume(): Promise<ReplicaInfo> {
    return Promise.resolve(this.info);
  }

  savePrefixes(): Promise<SavedPrefixes> {
    return Promise.resolve({ prefixes: 0, tokens: 0, sizeBytes: 0 });
  }

  unhealthy(): string | null {
    return null;
  }
}
