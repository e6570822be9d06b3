import type { InstanceDefaults } from '../manifest/resolution.js';

/** An instance that sets nothing. */
export const NO_DEFAULTS: InstanceDefaults = { systemPrompt: null, temperature: null, topP: null, topK: null, minP: null, maxTokens: null, stop: null, seed: null };

/** What an instance's stored config sets; what is absent or of another type counts as not set. */
export function instanceDefaults(config: Readonly<Record<string, unknown>>): InstanceDefaults {
  const number = (key: string): number | null => (typeof config[key] === 'number' ? config[key] : null);
  const { system_prompt, stop } = config;
  return {
    systemPrompt: typeof system_prompt === 'string' ? system_prompt : null,
    temperature: number('temperature'),
    topP: number('top_p'),
    topK: number('top_k'),
    minP: number('min_p'),
    maxTokens: number('max_tokens'),
    stop: typeof stop === 'string' ? [stop] : Array.isArray(stop) && stop.every((text) => typeof text === 'string') ? stop : null,
    seed: number('seed'),
  };
}
