import { ApiError } from '@corral/contracts';

export interface TokenRequest {
  readonly promptTokens: number;
  readonly maxTokens: number | null;
  readonly overflow: 'refuse' | 'truncate';
  readonly contextTokens: number;
}

/**
 * How many tokens may be sampled: what was asked for, or the rest of the context.
 *
 * The last sampled token needs no place in the context's memory, so prompt and answer together may be as
 * long as the context. Throws CONTEXT_LENGTH_EXCEEDED for a prompt that leaves no room, and for a
 * `maxTokens` beyond the rest where that is to be refused. [C-127]
 */
export function tokenBudget({ promptTokens, maxTokens, overflow, contextTokens }: TokenRequest): number {
  const rest = contextTokens - promptTokens;
  if (rest < 1) {
    throw new ApiError('CONTEXT_LENGTH_EXCEEDED', `the prompt has ${promptTokens} tokens and the context of this model holds ${contextTokens}, answer included; shorten the prompt`, { field: 'input' });
  }
  if (maxTokens === null) return rest;
  if (maxTokens > rest && overflow === 'refuse') {
    throw new ApiError(
      'CONTEXT_LENGTH_EXCEEDED',
      `max_tokens is ${maxTokens}, but after a prompt of ${promptTokens} tokens the context of ${contextTokens} has room for ${rest}; ask for at most ${rest}`,
      { field: 'max_tokens' },
    );
  }
  return Math.min(maxTokens, rest);
}
