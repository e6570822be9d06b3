import type { GenerateInput } from '@corral/contracts';
import type { InstanceDefaults } from '../manifest/resolution.js';
import type { TaskSpec } from '../tasks/task-spec.js';

/**
 * The task with what its instance sets for values that the client left out; what the client sent wins. The system
 * prompt stands before messages that bring no system message of their own; raw text stays as it is. Pure. [B-150 B-151]
 */
export function withInstanceDefaults(spec: TaskSpec, defaults: InstanceDefaults): TaskSpec {
  const { unset, sampling } = spec;
  const choose = <T>(key: Parameters<typeof unset.has>[0], set: T | null, now: T): T => (unset.has(key) && set !== null ? set : now);
  const setsMaxTokens = unset.has('maxTokens') && defaults.maxTokens !== null;
  return {
    ...spec,
    input: withSystemPrompt(spec.input, defaults.systemPrompt),
    sampling: {
      ...sampling,
      temperature: choose('temperature', defaults.temperature, sampling.temperature),
      top_p: choose('topP', defaults.topP, sampling.top_p),
      top_k: choose('topK', defaults.topK, sampling.top_k),
      min_p: choose('minP', defaults.minP, sampling.min_p),
      seed: choose('seed', defaults.seed, sampling.seed),
      stop: choose('stop', defaults.stop === null ? null : [...defaults.stop], sampling.stop),
    },
    // A limit that the client never asked for ends its answer early, and refuses nothing.
    ...(setsMaxTokens ? { maxTokens: defaults.maxTokens, overflow: 'truncate' as const } : {}),
  };
}

function withSystemPrompt(input: GenerateInput, systemPrompt: string | null): GenerateInput {
  if (systemPrompt === null || systemPrompt === '' || input.type === 'prompt') return input;
  if (input.messages.some(({ role }) => role === 'system')) return input;
  return { ...input, messages: [{ role: 'system', content: systemPrompt }, ...input.messages] };
}
