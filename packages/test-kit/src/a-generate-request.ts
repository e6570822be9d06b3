import type { GenerateRequest } from '@corral/contracts';

export interface GenerateChanges extends Partial<Omit<GenerateRequest, 'sampling' | 'output' | 'deadlines'>> {
  readonly sampling?: Partial<GenerateRequest['sampling']>;
  readonly output?: Partial<GenerateRequest['output']>;
  readonly deadlines?: Partial<GenerateRequest['deadlines']>;
}

/** A greedy, streamed request in the task dialect. */
export function aGenerateRequest(changes: GenerateChanges = {}): GenerateRequest {
  const { sampling, output, deadlines, ...rest } = changes;
  return {
    task_id: 'task-1',
    correlation_id: 'correlation-1',
    replica_id: 'replica-1',
    prefix_scope: 'default',
    input: { type: 'prompt', prompt: 'Hello' },
    max_tokens: null,
    overflow: 'truncate',
    annotations: {},
    ...rest,
    sampling: { temperature: 0, top_p: 1, top_k: 0, min_p: 0, repeat_penalty: 1, presence_penalty: 0, frequency_penalty: 0, seed: 1, stop: [], ...sampling },
    output: { dialect: 'task', stream: true, include_usage: false, id: 'answer-1', model: 'tiny', created_s: 1_700_000_000, ...output },
    deadlines: { first_token_ms: null, token_gap_ms: null, wall_ms: null, ...deadlines },
  };
}
