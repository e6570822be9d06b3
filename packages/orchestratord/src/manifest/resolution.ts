import type { ModelSpec, Priority, Tier } from '@corral/contracts';
import type { PlacementOverrides } from '@corral/orchestrator-core';

/** The instance that a task runs on; implicit ones are kept by the server for a route or a bare model. */
export interface ResolvedInstance {
  readonly orgId: string;
  readonly instanceId: string;
  readonly tier: Tier;
}

/** The route that was named, as it was when the task was accepted. */
export interface ResolvedRoute {
  readonly name: string;
  readonly version: number;
  readonly priority: Priority;
  readonly placement: PlacementOverrides | null;
}

/** What an instance's config sets for tasks that leave it out; `null` where it sets nothing. */
export interface InstanceDefaults {
  readonly systemPrompt: string | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly minP: number | null;
  readonly maxTokens: number | null;
  readonly stop: readonly string[] | null;
  readonly seed: number | null;
}

/** What a `model` of a request names. [F-20] */
export type Resolution =
  | {
      readonly kind: 'resolved';
      readonly model: ModelSpec;
      readonly modelKey: string;
      readonly instance: ResolvedInstance;
      readonly route: ResolvedRoute | null;
      readonly defaults: InstanceDefaults;
      /** The bindings that accept the request, where the manifest defines them. [F-05] */
      readonly bindings: readonly string[];
    }
  /** The model is kept and no longer served. [G-10] */
  | { readonly kind: 'retired'; readonly modelId: string; readonly message: string }
  /** `near` are at most three names that the caller may have meant; the message names them and the next step. */
  | { readonly kind: 'not_found'; readonly message: string; readonly near: readonly string[] };
