import type { GenerateInput, OutputFormat, PlacementOverrides, Priority, Sampling } from '@corral/contracts';

/** What a client may leave to the instance that it names. */
export type Unset = 'temperature' | 'topP' | 'topK' | 'minP' | 'maxTokens' | 'stop' | 'seed';

/**
 * What a client asked for, whatever its dialect: the one kind of task. Defaults are applied, so that
 * what is logged is what runs. `priority` and `placement` are null where the client left them to the route.
 */
export interface TaskSpec {
  readonly taskId: string;
  readonly modelRef: string;
  readonly input: GenerateInput;
  readonly sampling: Sampling;
  /** What of these the client left out, so that an instance's config may set it. */
  readonly unset: ReadonlySet<Unset>;
  /** Tokens; null = the rest of the context. */
  readonly maxTokens: number | null;
  readonly overflow: 'refuse' | 'truncate';
  readonly output: Pick<OutputFormat, 'dialect' | 'stream' | 'include_usage' | 'id'>;
  readonly priority: Priority | null;
  readonly placement: PlacementOverrides | null;
  /** Context that the client says it needs, tokens. */
  readonly requiredCtx: number | null;
  readonly expectedTokens: number | null;
  /** From admission to the last token, milliseconds. */
  readonly deadlineMs: number | null;
}

/** What an answer samples with where the client says nothing: the field's usual values for local models. */
export const SAMPLING_DEFAULTS: Omit<Sampling, 'seed'> = {
  temperature: 0.8,
  top_p: 0.95,
  top_k: 40,
  min_p: 0.05,
  repeat_penalty: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  stop: [],
};

/** The fields of a body that hold nothing, as their absence means it. */
export function unsetOf(body: Readonly<Record<Unset, unknown>>): ReadonlySet<Unset> {
  return new Set((Object.keys(body) as Unset[]).filter((key) => body[key] === undefined || body[key] === null));
}
