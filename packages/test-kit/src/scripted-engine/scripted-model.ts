import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GenerateInput, Sampling } from '@corral/contracts';
import { EngineError, xorshift } from '@corral/engine';
import type { DecodeStats, Prompt, ReplicaInfo, SavedPrefixes, SlotPrefix, TextModel, TextRun } from '@corral/engine';
import type { ScriptedBehaviour } from './behaviour.js';

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heath', 'islet', 'jetty', 'knoll', 'larch', 'marsh', 'north', 'ocean', 'plain'];
const never = (): Promise<never> => new Promise(() => undefined);

/** A model that says what it was told to, at the speed that it was told to. */
export class ScriptedModel implements TextModel {
  readonly fingerprint = 'scripted-engine';
  #steps = 0;
  #prefilled = 0;

  constructor(
    readonly info: ReplicaInfo,
    private readonly behaviour: ScriptedBehaviour,
    private readonly prefixFolder: string | null = null,
  ) {}

  /** One token per word. */
  encode(input: GenerateInput): readonly number[] {
    const text = input.type === 'prompt' ? input.prompt : input.messages.map(({ content }) => content).join(' ');
    return text.split(/\s+/).map((_, n) => n);
  }

  /** It keeps nothing of a prompt. */
  prefixes(): readonly SlotPrefix[] {
    return [];
  }

  open(_slot: number, { tokens }: Prompt, sampling: Sampling): TextRun {
    const { tokenDelayMs = 0, tokens: wanted = 8, crashAfterTokens, hang, timestamps = false } = this.behaviour;
    const script = typeof wanted === 'number' ? draw(sampling.seed, wanted) : wanted;
    let sampled = 0;
    return {
      cachedTokens: 0,
      prefill: async () => {
        this.#prefilled += tokens.length - 1;
        if (hang === 'generate') await never();
      },
      next: async () => {
        await delay(tokenDelayMs);
        if (sampled === crashAfterTokens) await crash();
        if (sampled < script.length) this.#steps += 1;
        const text = script[sampled++] ?? null;
        return timestamps && text !== null ? ` ${process.hrtime.bigint()}` : text;
      },
      rest: (wait) => wait,
      close: () => Promise.resolve(),
    };
  }

  stats(): DecodeStats {
    return {
      decode_steps: this.#steps,
      sequences_per_step: [0, this.#steps],
      decode_micro_batches: this.#steps,
      decoded_tokens: this.#steps,
      prefill_chunks: 0,
      prefill_tokens: this.#prefilled,
      prefix_hits: 0,
      cached_tokens: 0,
      chunks_after_stop: 0,
      tokens_after_stop: 0,
    };
  }

  async park(): Promise<number> {
    await this.#told('park');
    return 1_000_000;
  }

  async resume(): Promise<ReplicaInfo> {
    await this.#told('resume');
    await delay(this.behaviour.resumeMs ?? 0);
    if (this.behaviour.failResume !== undefined) throw new EngineError(this.behaviour.failResume, 'the scripted engine was told not to resume');
    return this.info;
  }

  async savePrefixes({ slots, maxBytes }: Parameters<TextModel['savePrefixes']>[0]): Promise<SavedPrefixes> {
    await this.#told('save');
    const { prefixBytes = 0 } = this.behaviour;
    if (this.prefixFolder === null || prefixBytes === 0) return { prefixes: 0, tokens: 0, sizeBytes: 0 };
    mkdirSync(this.prefixFolder, { recursive: true });
    for (const slot of slots.slice(0, Math.floor(maxBytes / prefixBytes))) writeFileSync(join(this.prefixFolder, `slot-${slot}.kv`), Buffer.alloc(prefixBytes));
    const prefixes = readdirSync(this.prefixFolder).length;
    return { prefixes, tokens: prefixes, sizeBytes: prefixes * prefixBytes };
  }

  async #told(call: 'park' | 'resume' | 'save'): Promise<void> {
    if (this.behaviour.crashIn === call) await crash();
    if (this.behaviour.hang === call) await never();
  }

  unhealthy(): string | null {
    return this.behaviour.failHealth === true ? 'told to fail' : null;
  }
}

function draw(seed: number, count: number): readonly string[] {
  const next = xorshift(seed + 1);
  return Array.from({ length: count }, (_, n) => `${n === 0 ? '' : ' '}${WORDS[Math.floor(next() * WORDS.length)]}`);
}

async function crash(): Promise<never> {
  // What was written before must reach the reader first.
  await delay(50);
  process.stderr.write('GGML_ASSERT(scripted) failed\n');
  return process.exit(70);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
